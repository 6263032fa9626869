/** Layer 1: pure decisions. Values in, values out; no clock, no await, no Deno. */
export * from "./encode_program.ts";
export * from "./hardening/mod.ts";
export * from "./idioms.ts";
export * from "./program.ts";
export * from "./resources/mod.ts";
export * from "./start/mod.ts";
export * from "./pod_status.ts";
export * from "./render_program.ts";
