/** One mounted cgroup hierarchy. */
export interface CgroupHierarchy {
  /** Its number in /proc/PID/cgroup; the v2 hierarchy is 0. */
  readonly id: number;
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** v1: the controllers bound to it, none for a named one; v2: those that the root offers. */
  readonly controllers: readonly string[];
}

/** Where a controller lives. */
export interface CgroupController {
  readonly version: 1 | 2;
  /** The id of its hierarchy. */
  readonly hierarchy: number;
}

/** What of the machine decides over cgroups; read from what is mounted, never from a version number. */
export interface CgroupHost {
  readonly mode: "v1" | "v2" | "hybrid";
  readonly hierarchies: readonly CgroupHierarchy[];
  /** Every controller that can be used, by its name in that version (`io` on v2, `blkio` on v1). */
  readonly controllers: Readonly<Record<string, CgroupController>>;
  /** The sizes of huge pages that the kernel knows. */
  readonly hugePageSizesBytes: readonly number[];
  readonly memoryBytes: number;
  readonly cpus: number;
}

/** One value to be written into one controller file of a cgroup. */
export interface CgroupSetting {
  /** `cgroup` for the core files of v2. */
  readonly controller: string;
  /** The id of the hierarchy that the file is in. */
  readonly hierarchy: number;
  readonly file: string;
  readonly value: string;
  /** The field of the manifest that it comes from; null for a default of seedpod. */
  readonly from: readonly (string | number)[] | null;
  /** Whether a file that does not exist is an error. */
  readonly required: boolean;
}

/** v1 controllers that account or limit: each container has a cgroup of its own in their hierarchies. */
const PER_CONTAINER = new Set(["cpu", "cpuacct", "memory", "pids", "devices", "hugetlb"]);
/** v1 controllers that only act once something is set: a pod joins their hierarchies only then. */
const ONLY_WHEN_SET = new Set(["cpuset", "freezer", "net_cls", "net_prio", "perf_event"]);

/**
 * The hierarchies that processes join. A process that joins none of its own stays where its parent is: containers in
 * the pod's cgroup, the pod in the daemon's.
 */
export interface CgroupPlacement {
  /** Ids of the hierarchies in which the pod has a cgroup. */
  readonly pod: readonly number[];
  /** Ids of those in which infra and each container have one of their own inside it. */
  readonly split: readonly number[];
}

/**
 * Where a pod's processes go, for the settings of the pod (first) and of one container (second). Joining one hierarchy
 * costs a container about 20 µs to make the cgroup, 18 µs to enter it and 15 µs to remove it again, so each is joined
 * for a reason: v2 (cgroup.kill, cgroup.events, systemd's bookkeeping), named v1 hierarchies (systemd's bookkeeping) and
 * blkio by the pod; what accounts or limits by each container; the rest when a setting asks for it.
 */
export function cgroupPlacement(
  host: CgroupHost,
  podSettings: readonly CgroupSetting[] = [],
  containerSettings: readonly CgroupSetting[] = [],
): CgroupPlacement {
  const has = (settings: readonly CgroupSetting[], id: number) => settings.some((s) => s.hierarchy === id);
  const isSplit = (h: CgroupHierarchy) =>
    h.version === 2 || h.controllers.some((name) => PER_CONTAINER.has(name)) || has(containerSettings, h.id);
  const isPod = (h: CgroupHierarchy) =>
    isSplit(h) || has(podSettings, h.id) || !h.controllers.some((name) => ONLY_WHEN_SET.has(name));
  return {
    pod: host.hierarchies.filter(isPod).map((h) => h.id),
    split: host.hierarchies.filter(isSplit).map((h) => h.id),
  };
}

/** How a process enters a cgroup: `clone3` with CLONE_INTO_CGROUP into `directory`, or a write of `0` to a file in it. */
export type CgroupJoin =
  | { readonly hierarchy: number; readonly by: "CLONE_INTO_CGROUP" }
  | { readonly hierarchy: number; readonly by: "write"; readonly file: "tasks"; readonly value: "0" };

/**
 * The ways into the cgroups of the hierarchies named. On v1 the child, which has one thread, writes `0` to `tasks`:
 * unlike a write to `cgroup.procs` that takes no machine-wide lock (measured: 0.2 ms for nine hierarchies against a
 * median of 13 ms when the lock was idle before).
 */
export function cgroupJoins(host: CgroupHost, hierarchies: readonly number[]): CgroupJoin[] {
  return host.hierarchies.filter((h) => hierarchies.includes(h.id)).map((h) =>
    h.version === 2
      ? { hierarchy: h.id, by: "CLONE_INTO_CGROUP" }
      : { hierarchy: h.id, by: "write", file: "tasks", value: "0" }
  );
}
