import { messageOf } from "../base/mod.ts";
import type { CgroupController, CgroupHierarchy, CgroupHost } from "../plan/resources/mod.ts";
import { cgroupDirectory } from "./cgroup.ts";
import { type MountInfo, parseMountInfo } from "./mountinfo.ts";

/** What {@linkcode cgroupHostOf} decides from: the texts of kernel files. */
export interface CgroupHostFacts {
  /** /proc/self/mountinfo */
  readonly mountInfo: string;
  /** /proc/self/cgroup */
  readonly selfCgroup: string;
  /** cgroup.controllers of the v2 root; empty where none is mounted. */
  readonly rootControllers: (mountPoint: string) => string;
  /** The entries of /sys/kernel/mm/hugepages. */
  readonly hugePageNames: readonly string[];
  /** /proc/meminfo */
  readonly memInfo: string;
  /** /sys/devices/system/cpu/online, such as `0-3,8`. */
  readonly cpusOnline: string;
}

/** Options of a v1 cgroup mount that are no controllers, cgroups(7). */
const V1_OPTIONS =
  /^(rw|ro|none|xattr|noprefix|clone_children|cpuset_v2_mode|(no)?favordynmods|seclabel|\w+=.*)$/;

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** The numbers of the v1 hierarchies, by their controllers as /proc/self/cgroup lists them (`cpu,cpuacct`). */
function hierarchyIds(selfCgroup: string): Map<string, number> {
  return new Map(
    selfCgroup.split("\n").flatMap((line) => {
      const match = /^(\d+):([^:]+):/.exec(line);
      return match === null ? [] : [[match[2] ?? "", Number(match[1])] as const];
    }),
  );
}

function hierarchyOf(
  mount: MountInfo,
  ids: ReadonlyMap<string, number>,
  facts: CgroupHostFacts,
): CgroupHierarchy[] {
  const { mountPoint } = mount;
  if (mount.fsType === "cgroup2") {
    return [{ id: 0, version: 2, mountPoint, controllers: words(facts.rootControllers(mountPoint)) }];
  }
  if (mount.fsType !== "cgroup") return [];
  const controllers = mount.superOptions.filter((option) => !V1_OPTIONS.test(option));
  const name = mount.superOptions.find((option) => option.startsWith("name="));
  const key = [...controllers, ...(name === undefined ? [] : [name])].sort().join();
  const id = [...ids].find(([listed]) => listed.split(",").sort().join() === key)?.[1];
  return id === undefined ? [] : [{ id, version: 1, mountPoint, controllers }];
}

/** How many processors a list such as `0-3,8` names. */
function countCpus(list: string): number {
  return list.trim().split(",").reduce((sum, range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);
}

/** The controllers of the hierarchies, each where the kernel bound it. */
function controllersOf(hierarchies: readonly CgroupHierarchy[]): Record<string, CgroupController> {
  return Object.fromEntries(
    hierarchies.flatMap(({ id, version, controllers }) =>
      controllers.map((name) => [name, { version, hierarchy: id }] as const)
    ),
  );
}

/** The cgroup side of a machine, from the texts of its kernel's files. Of several mounts of a hierarchy the first holds. */
export function cgroupHostOf(facts: CgroupHostFacts): CgroupHost {
  const ids = hierarchyIds(facts.selfCgroup);
  const mounted = parseMountInfo(facts.mountInfo).flatMap((mount) => hierarchyOf(mount, ids, facts));
  const hierarchies = mounted.filter((h, i) => mounted.findIndex((other) => other.id === h.id) === i);
  const hasV1 = hierarchies.some((h) => h.version === 1);
  const hasV2 = hierarchies.some((h) => h.version === 2);
  return {
    mode: hasV1 && hasV2 ? "hybrid" : hasV2 ? "v2" : "v1",
    hierarchies,
    controllers: controllersOf(hierarchies),
    hugePageSizesBytes: facts.hugePageNames
      .flatMap((name) => /^hugepages-(\d+)kB$/.exec(name)?.slice(1).map((kib) => Number(kib) * 1024) ?? [])
      .sort((a, b) => a - b),
    memoryBytes: Number(/^MemTotal:\s+(\d+) kB$/m.exec(facts.memInfo)?.[1] ?? 0) * 1024,
    cpus: countCpus(facts.cpusOnline),
  };
}

/** The names in a directory; none when it does not exist. */
function namesIn(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Asks this machine where its cgroups are mounted and what they can do. */
export function detectCgroups(): CgroupHost {
  return cgroupHostOf({
    mountInfo: Deno.readTextFileSync("/proc/self/mountinfo"),
    selfCgroup: Deno.readTextFileSync("/proc/self/cgroup"),
    rootControllers: (mountPoint) => Deno.readTextFileSync(`${mountPoint}/cgroup.controllers`),
    hugePageNames: namesIn("/sys/kernel/mm/hugepages"),
    memInfo: Deno.readTextFileSync("/proc/meminfo"),
    cpusOnline: Deno.readTextFileSync("/sys/devices/system/cpu/online"),
  });
}

/** A controller that cannot be used below the parent cgroup, and why. */
export interface CgroupFailure {
  readonly controller: string;
  readonly reason: string;
}

/** What {@linkcode ensureParent} leaves to work with. */
export interface UsableCgroups {
  /** The machine with only the hierarchies and controllers that can be used below the parent. */
  readonly host: CgroupHost;
  readonly failures: readonly CgroupFailure[];
}

/** Enables v2 controllers for the children of one cgroup; the failures, each with its reason. */
function enableControllers(directory: string, wanted: readonly string[]): CgroupFailure[] {
  const file = `${directory}/cgroup.subtree_control`;
  const enabled = words(Deno.readTextFileSync(file));
  return wanted.filter((name) => !enabled.includes(name)).flatMap((controller) => {
    try {
      Deno.writeTextFileSync(file, `+${controller}`, { create: false });
      return [];
    } catch (error) {
      return [{ controller, reason: messageOf(error) }];
    }
  });
}

/** A v1 cpuset starts empty and takes no process: gives it its parent's, and lets its children copy theirs. */
function initialiseCpuset(above: string, directory: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const value = Deno.readTextFileSync(`${above}/${file}`).trim();
    Deno.writeTextFileSync(`${directory}/${file}`, value, { create: false });
  }
  Deno.writeTextFileSync(`${directory}/cgroup.clone_children`, "1", { create: false });
}

/** Makes the parent in one hierarchy and readies it for children; the controllers that this gains nothing for. */
function ensureIn(hierarchy: CgroupHierarchy, parent: string): CgroupFailure[] {
  cgroupDirectory(hierarchy, parent);
  const failures: CgroupFailure[] = [];
  let above = hierarchy.mountPoint;
  for (const name of parent.split("/")) {
    const directory = `${above}/${name}`;
    const offered = hierarchy.controllers.filter((c) =>
      !failures.some((failure) => failure.controller === c)
    );
    if (hierarchy.version === 2) failures.push(...enableControllers(above, offered));
    Deno.mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (hierarchy.version === 1 && offered.includes("cpuset")) initialiseCpuset(above, directory);
    above = directory;
  }
  const left = hierarchy.controllers.filter((c) => !failures.some((failure) => failure.controller === c));
  return hierarchy.version === 2 ? [...failures, ...enableControllers(above, left)] : failures;
}

/**
 * Makes the cgroup above all pods in every hierarchy, `parent` being its path below the mount points (`seedpod`), and
 * enables the controllers for those below it. Doing it again changes nothing. A hierarchy that cannot be written to and
 * a controller that cannot be enabled are left out of the host that is given back, and reported.
 */
export function ensureParent(host: CgroupHost, parent: string): UsableCgroups {
  const failures: CgroupFailure[] = [];
  const hierarchies = host.hierarchies.flatMap((hierarchy) => {
    try {
      const failed = ensureIn(hierarchy, parent);
      failures.push(...failed);
      const lost = new Set(failed.map((failure) => failure.controller));
      return [{ ...hierarchy, controllers: hierarchy.controllers.filter((name) => !lost.has(name)) }];
    } catch (error) {
      const reason = messageOf(error);
      const lost = hierarchy.controllers.length > 0 ? hierarchy.controllers : [hierarchy.mountPoint];
      failures.push(...lost.map((controller) => ({ controller, reason })));
      return [];
    }
  });
  return { host: { ...host, hierarchies, controllers: controllersOf(hierarchies) }, failures };
}
