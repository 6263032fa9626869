/** What a container may do to the kernel: capabilities, devices, system calls, compiled to the kernel's own formats. */
export * from "./capabilities.ts";
export * from "./device_rules.ts";
export * from "./seccomp.ts";
export { parseSeccompJson, parseSeccompProfile } from "./seccomp_profile.ts";
