/** What the kernel says of the processes of a pod. */
import { ok } from "node:assert/strict";
import { cgroupDirectories, type TestRoot } from "./pods.ts";

/** The machine's PIDs of what runs in the first attempt of a container, or in the one named. */
export function containerPids(root: TestRoot, uid: string, container: string, attempt = 0): number[] {
  return cgroupPids(root, `pod${uid}/ctr-${container}-${attempt}`);
}

/** The machine's PID of a pod's infra. */
export function infraPid(root: TestRoot, uid: string): number {
  const [pid] = cgroupPids(root, `pod${uid}/infra`);
  ok(pid, "the pod has no infra");
  return pid;
}

/** The machine's PIDs in a cgroup, named by its path below this root's. */
export function cgroupPids(root: TestRoot, below: string): number[] {
  const pids = cgroupDirectories(`${root.cgroupParent}/${below}`).flatMap((directory) =>
    Deno.readTextFileSync(`${directory}/cgroup.procs`).split("\n").filter((line) => line !== "").map(Number)
  );
  return [...new Set(pids)].sort((a, b) => a - b);
}

/** The values of /proc/PID/status, such as `CapEff` or `Seccomp`. */
export function processStatus(pid: number): Record<string, string> {
  const lines = Deno.readTextFileSync(`/proc/${pid}/status`).trim().split("\n");
  return Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim().replaceAll(/\s+/g, " ")];
  }));
}

/** The uid that names a pod in the kernel's and seedpod's places. */
export async function uidOf(root: TestRoot, name: string): Promise<string> {
  return (await root.pod(name)).metadata!.uid!;
}
