/** Layer 0: errors, limits, the kernel's words. */
export * from "./errno.ts";
export * from "./error.ts";
export * from "./limits.ts";
export * from "./linux.ts";
