/** Layer 2: cgroups, mounts, namespaces, processes as things. */
export * from "./cgroup.ts";
export * from "./cgroup_host.ts";
export * from "./host_facts.ts";
export * from "./mountinfo.ts";
export * from "./proc_stat.ts";
export * from "./rootfs_identity.ts";
export * from "./run_program.ts";
