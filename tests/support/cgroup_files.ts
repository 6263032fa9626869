/** The kernel's cgroup files of whole pods, wherever this machine has the controller: v1, hybrid or v2. */
import { ok } from "node:assert/strict";
import { detectCgroups } from "../../runner/linux/mod.ts";
import type { CgroupHost } from "../../runner/plan/mod.ts";
import type { Pod } from "../../schema/kubernetes/mod.ts";
import type { TestRoot } from "./pods.ts";

/** What this machine has. */
export const CGROUPS: CgroupHost = detectCgroups();

/** A file of a controller by its name on v1 and on v2. */
export interface CgroupFile {
  readonly controller: string;
  readonly v1: string;
  readonly v2: string;
}

/** The files that tests look at. */
export const FILES = {
  memoryMax: { controller: "memory", v1: "memory.limit_in_bytes", v2: "memory.max" },
  memoryNow: { controller: "memory", v1: "memory.usage_in_bytes", v2: "memory.current" },
  cpuMax: { controller: "cpu", v1: "cpu.cfs_quota_us", v2: "cpu.max" },
  cpuWeight: { controller: "cpu", v1: "cpu.shares", v2: "cpu.weight" },
  pidsMax: { controller: "pids", v1: "pids.max", v2: "pids.max" },
  hugePagesMax: { controller: "hugetlb", v1: "hugetlb.2MB.limit_in_bytes", v2: "hugetlb.2MB.max" },
} as const satisfies Record<string, CgroupFile>;

/** The hierarchy of a file's controller, and the file's name there. */
function placeOf(file: CgroupFile): { mountPoint: string; name: string } {
  const where = CGROUPS.controllers[file.controller];
  ok(where, `this machine has no ${file.controller} controller`);
  const { mountPoint } = CGROUPS.hierarchies.find((each) => each.id === where.hierarchy)!;
  return { mountPoint, name: where.version === 1 ? file.v1 : file.v2 };
}

/** The directory of a pod's (container null) or a container's current attempt in the hierarchy of a controller. */
export function cgroupDirectoryOf(
  root: TestRoot,
  pod: Pod,
  container: string | null,
  controller: string,
): string {
  const { mountPoint } = placeOf({ controller, v1: "", v2: "" });
  const base = `${mountPoint}/${root.cgroupParent}/pod${pod.metadata!.uid}`;
  if (container === null) return base;
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const status = [...initContainerStatuses, ...containerStatuses].find((each) => each.name === container);
  return `${base}/ctr-${container}-${status?.restartCount ?? 0}`;
}

/** What the kernel says of a pod's or a container's cgroup. */
export function cgroupText(root: TestRoot, pod: Pod, container: string | null, file: CgroupFile): string {
  const path = `${cgroupDirectoryOf(root, pod, container, file.controller)}/${placeOf(file).name}`;
  return Deno.readTextFileSync(path).trim();
}

/** The machine's numbers of the processes in a container's cgroup. */
export function cgroupProcesses(root: TestRoot, pod: Pod, container: string): number[] {
  const text = cgroupText(root, pod, container, {
    controller: "pids",
    v1: "cgroup.procs",
    v2: "cgroup.procs",
  });
  return text.split("\n").filter((line) => line !== "").map(Number);
}

/** The path of the file of a container's own cgroup as the container sees it. */
export function cgroupPathInside(file: CgroupFile): string {
  const { mountPoint, name } = placeOf(file);
  const onlyV2 = CGROUPS.hierarchies.every((each) => each.version === 2);
  return onlyV2
    ? `/sys/fs/cgroup/${name}`
    : `/sys/fs/cgroup/${mountPoint.slice(mountPoint.lastIndexOf("/") + 1)}/${name}`;
}

/** The value by the version of the controller on this machine. */
export function byVersion<T>(controller: string, values: { v1: T; v2: T }): T {
  return CGROUPS.controllers[controller]?.version === 1 ? values.v1 : values.v2;
}
