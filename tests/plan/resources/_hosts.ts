import type { CgroupHierarchy, CgroupHost } from "../../../runner/plan/resources/mod.ts";

const GIB = 2 ** 30;

function host(mode: CgroupHost["mode"], hierarchies: CgroupHierarchy[]): CgroupHost {
  const controllers = hierarchies.flatMap(({ id, version, controllers }) =>
    controllers.map((name) => [name, { version, hierarchy: id }] as const)
  );
  return {
    mode,
    hierarchies,
    controllers: Object.fromEntries(controllers),
    hugePageSizesBytes: [2 * 2 ** 20, GIB],
    memoryBytes: 8 * GIB,
    cpus: 4,
  };
}

function v1(id: number, ...controllers: string[]): CgroupHierarchy {
  return { id, version: 1, mountPoint: `/sys/fs/cgroup/${controllers.join() || "systemd"}`, controllers };
}

/** A machine with cgroup v2 alone. */
export const V2_HOST: CgroupHost = host("v2", [{
  id: 0,
  version: 2,
  mountPoint: "/sys/fs/cgroup",
  controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"],
}]);

/** A machine with cgroup v1 alone, as Debian 9 mounted it. */
export const V1_HOST: CgroupHost = host("v1", [
  v1(1),
  v1(2, "cpu", "cpuacct"),
  v1(3, "memory"),
  v1(4, "pids"),
  v1(5, "devices"),
  v1(6, "blkio"),
  v1(7, "cpuset"),
  v1(8, "freezer"),
  v1(9, "net_cls", "net_prio"),
  v1(10, "perf_event"),
  v1(11, "hugetlb"),
]);

/** A machine with v1 controllers and hugetlb in the v2 hierarchy. */
export const HYBRID_HOST: CgroupHost = host("hybrid", [
  v1(1, "cpu"),
  v1(2, "cpuacct"),
  v1(3, "memory"),
  v1(4, "pids"),
  { id: 0, version: 2, mountPoint: "/sys/fs/cgroup/unified", controllers: ["hugetlb"] },
]);
