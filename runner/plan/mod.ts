/** Layer 1: pure decisions. Values in, values out; no clock, no await, no Deno. */
export * from "./decide/mod.ts";
export * from "./encode_program.ts";
export * from "./hardening/mod.ts";
export * from "./ensure_path.ts";
export * from "./idioms.ts";
export * from "./mount_program.ts";
export * from "./pod_status.ts";
export * from "./process/mod.ts";
export * from "./program.ts";
export * from "./render_program.ts";
export * from "./resources/mod.ts";
export * from "./start/mod.ts";
