/** Layer 2: the run directory: where things are, what is remembered. */
export { readIfThere, writeAtomically } from "./atomic_file.ts";
export * from "./lock.ts";
export * from "./paths.ts";
export * from "./pod_record.ts";
export * from "./cri_log/mod.ts";
