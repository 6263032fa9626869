/** Layer 2: the run directory: where things are, what is remembered. */
export * from "./paths.ts";
