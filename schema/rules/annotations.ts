import { BOOTTIME_OFFSET, MONOTONIC_OFFSET, parseTimeOffset, type Pod } from "../kubernetes/mod.ts";
import { type Fault, quoted } from "../source/mod.ts";
import { suggestWord } from "../structure/mod.ts";

/** Annotations under this domain are seedpod's own; an unknown one is refused. */
const DOMAIN = "seedpod.dev";
const CGROUP_DOMAIN = `cgroup.${DOMAIN}`;
const TIME_ANNOTATIONS = [MONOTONIC_OFFSET, BOOTTIME_OFFSET];
/** A cgroup file takes one line; the kernel takes at most a page. */
const MAX_CGROUP_VALUE_CHARACTERS = 4095;

/** Controllers of cgroup v1 and v2 whose files may be written. */
const CONTROLLERS = [
  "cpu",
  "cpuacct",
  "cpuset",
  "memory",
  "pids",
  "blkio",
  "io",
  "freezer",
  "net_cls",
  "net_prio",
  "perf_event",
  "hugetlb",
  "rdma",
  "misc",
];
/** Files of those controllers that decide about more than the cgroup they are in. */
const FORBIDDEN_FILES = [
  "cpuset.cpus.partition",
  "cpuset.cpu_exclusive",
  "cpuset.mem_exclusive",
  "cpuset.sched_load_balance",
  "memory.use_hierarchy",
  "memory.force_empty",
];

/** A cgroup file that an annotation names: of one container, or of the whole pod. */
export interface CgroupAnnotation {
  /** The annotation's key. */
  key: string;
  /** The container, or undefined for the pod's own cgroup. */
  container: string | undefined;
  /** The file, as `io.max`. */
  file: string;
  /** The line to write. */
  value: string;
}

/**
 * The cgroup files that a pod's annotations name: `cgroup.seedpod.dev/FILE` for the pod's cgroup,
 * `CONTAINER.cgroup.seedpod.dev/FILE` for one container's. A container's name has no dot, so neither can be
 * taken for the other.
 */
export function cgroupAnnotations(pod: Pod): CgroupAnnotation[] {
  return Object.entries(pod.metadata?.annotations ?? {}).flatMap(([key, value]): CgroupAnnotation[] => {
    const slash = key.indexOf("/");
    const prefix = key.slice(0, Math.max(0, slash));
    const file = key.slice(slash + 1);
    if (prefix === CGROUP_DOMAIN) return [{ key, container: undefined, file, value }];
    if (!prefix.endsWith(`.${CGROUP_DOMAIN}`)) return [];
    return [{ key, container: prefix.slice(0, -CGROUP_DOMAIN.length - 1), file, value }];
  });
}

function fileFault(file: string): string | undefined {
  const controller = file.split(".")[0]!;
  if (controller === "cgroup" || !file.includes(".")) {
    return "belongs to seedpod, which keeps the pod's processes by it";
  }
  if (controller === "devices") return "would widen the list of devices, which only `privileged` does";
  if (FORBIDDEN_FILES.includes(file)) return "reaches beyond the pod's own cgroup";
  return CONTROLLERS.includes(controller)
    ? undefined
    : `is of no cgroup controller: ${CONTROLLERS.join(", ")}`;
}

function* checkCgroupAnnotation(annotation: CgroupAnnotation, containers: string[]): Generator<Fault> {
  const { key, container, file, value } = annotation;
  const path = ["metadata", "annotations", key];
  if (container !== undefined && !containers.includes(container)) {
    const suggestion = suggestWord(container, containers);
    const hint = suggestion === undefined
      ? undefined
      : `did you mean "${suggestion}.${CGROUP_DOMAIN}/${file}"?`;
    yield { path, message: `the pod has no container ${quoted(container)}`, hint, atKey: true };
  }
  const fault = fileFault(file);
  if (fault) {
    const suggestion = suggestWord(file.split(".")[0]!, CONTROLLERS);
    const hint = suggestion === undefined ? undefined : `did you mean the controller "${suggestion}"?`;
    yield { path, message: `the cgroup file ${quoted(file)} ${fault}`, hint, atKey: true };
  }
  if (value.trim() === "" || value.length > MAX_CGROUP_VALUE_CHARACTERS || value.includes("\0")) {
    const message =
      `a cgroup file is written with 1 to ${MAX_CGROUP_VALUE_CHARACTERS} characters without NUL`;
    yield { path, message };
  }
}

function containerNames(pod: Pod): string[] {
  return [...pod.spec?.initContainers ?? [], ...pod.spec?.containers ?? []].map(({ name }) => name);
}

function* checkOwnAnnotation(key: string, value: string, pod: Pod): Generator<Fault> {
  const path = ["metadata", "annotations", key];
  if (TIME_ANNOTATIONS.includes(key)) {
    if (parseTimeOffset(value)) return;
    const message = `${quoted(value)} is not a time offset`;
    yield { path, message, hint: 'write seconds, as "-3600" or "1.5", or a duration, as "24h"' };
    return;
  }
  const known = [
    ...TIME_ANNOTATIONS,
    ...CONTROLLERS.map((controller) => `${CGROUP_DOMAIN}/${controller}.FILE`),
  ];
  const names = [
    CGROUP_DOMAIN,
    ...containerNames(pod).map((name) => `${name}.${CGROUP_DOMAIN}`),
    `time.${DOMAIN}`,
  ];
  const prefix = key.slice(0, key.indexOf("/"));
  const suggestion = suggestWord(key, known) ?? suggestWord(prefix, names.filter((name) => name !== prefix));
  const hint = suggestion === undefined ? undefined : `did you mean "${suggestion}"?`;
  yield { path, message: `unknown seedpod annotation ${quoted(key)}`, hint, atKey: true };
}

/** The annotations of a pod that are seedpod's own. */
export function* checkPodAnnotations(pod: Pod): Generator<Fault> {
  const containers = containerNames(pod);
  const cgroup = new Map(cgroupAnnotations(pod).map((annotation) => [annotation.key, annotation]));
  for (const [key, value] of Object.entries(pod.metadata?.annotations ?? {})) {
    const prefix = key.split("/")[0]!.toLowerCase();
    if (prefix !== DOMAIN && !prefix.endsWith(`.${DOMAIN}`)) continue;
    const annotation = cgroup.get(key);
    if (annotation) yield* checkCgroupAnnotation(annotation, containers);
    else yield* checkOwnAnnotation(key, value, pod);
  }
}
