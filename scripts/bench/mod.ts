/** The parts of the benchmark: what is measured, beside what, and how it is told. */
export * from "./bench_root.ts";
export * from "./daemon.ts";
export * from "./exec.ts";
export * from "./floor.ts";
export * from "./logs.ts";
export * from "./memory.ts";
export * from "./oci_peer.ts";
export * from "./peer_shell.ts";
export * from "./pod_start.ts";
export * from "./podman_peer.ts";
export * from "./report.ts";
export * from "./statistics.ts";
