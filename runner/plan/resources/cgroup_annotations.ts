import { MAX_CGROUP_VALUE_BYTES } from "../../base/mod.ts";
import type { CgroupHost, CgroupSetting } from "./cgroup_host.ts";
import type { PodNeeds } from "./pod_resources.ts";

/**
 * The prefix of annotations that reach any controller file: `cgroup.seedpod.dev/io.max` sets the pod's,
 * `CONTAINER.cgroup.seedpod.dev/io.max` one container's. Each line of the value is one write.
 */
export const CGROUP_ANNOTATION_PREFIX = "cgroup.seedpod.dev";

/** Controllers whose files an annotation may name: not the core files (`cgroup.procs`), not `devices`, which is a wall. */
const ALLOWED_CONTROLLERS: ReadonlySet<string> = new Set([
  "blkio",
  "cpu",
  "cpuacct",
  "cpuset",
  "dmem",
  "freezer",
  "hugetlb",
  "io",
  "memory",
  "misc",
  "net_cls",
  "net_prio",
  "perf_event",
  "pids",
  "rdma",
]);

/** Something of a manifest that this machine's cgroups cannot do. */
export interface CgroupProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** An annotation that names a controller file. */
interface CgroupAnnotation {
  readonly key: string;
  /** The container whose cgroup it is for; null for the pod's. */
  readonly container: string | null;
  readonly file: string;
  readonly value: string;
}

function readAnnotations(pod: PodNeeds): CgroupAnnotation[] {
  return Object.entries(pod.metadata?.annotations ?? {}).flatMap(([key, value]): CgroupAnnotation[] => {
    const [prefix = "", file = ""] = key.split("/");
    if (prefix === CGROUP_ANNOTATION_PREFIX) return [{ key, container: null, file, value }];
    if (!prefix.endsWith(`.${CGROUP_ANNOTATION_PREFIX}`)) return [];
    return [{ key, container: prefix.slice(0, -CGROUP_ANNOTATION_PREFIX.length - 1), file, value }];
  });
}

/** Why an annotation cannot be honoured here, or null. */
function fault(pod: PodNeeds, host: CgroupHost, { container, file, value }: CgroupAnnotation): string | null {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  if (container !== null && !all.some((c) => c.name === container)) {
    return `no container is named "${container}"`;
  }
  const [controller = ""] = file.split(".");
  if (!/^[a-z0-9_]+\.[A-Za-z0-9_.-]+$/.test(file)) return `"${file}" is not the name of a controller file`;
  if (!ALLOWED_CONTROLLERS.has(controller)) {
    return `the files of "${controller}" are out of reach; allowed are ${
      [...ALLOWED_CONTROLLERS].join(", ")
    }`;
  }
  if (!(controller in host.controllers)) {
    return `the ${controller} controller is not mounted here; there are ${
      Object.keys(host.controllers).sort().join(", ") || "none"
    }`;
  }
  if (file === "freezer.state" && value.trim() !== "THAWED") {
    return "a pod that is frozen before it starts never does";
  }
  if (/[^\x20-\x7e\t\n]/.test(value)) return "the value holds characters that no controller file takes";
  if (value.trim() === "") return "the value is empty";
  if (value.split("\n").some((line) => line.length > MAX_CGROUP_VALUE_BYTES)) {
    return `a line is longer than the ${MAX_CGROUP_VALUE_BYTES} bytes that the kernel takes`;
  }
  return null;
}

/** The annotations that cannot be honoured on this machine, each with its path and the reason. */
export function annotationProblems(pod: PodNeeds, host: CgroupHost): CgroupProblem[] {
  return readAnnotations(pod).flatMap((annotation) => {
    const message = fault(pod, host, annotation);
    return message === null ? [] : [{ path: ["metadata", "annotations", annotation.key], message }];
  });
}

/** The settings that annotations make for the pod's cgroup (container null) or for a container's, in their order. */
export function annotationSettings(
  pod: PodNeeds,
  container: string | null,
  host: CgroupHost,
): CgroupSetting[] {
  return readAnnotations(pod)
    .filter((annotation) => annotation.container === container && fault(pod, host, annotation) === null)
    .flatMap(({ key, file, value }) => {
      const [controller = ""] = file.split(".");
      const hierarchy = host.controllers[controller]?.hierarchy ?? 0;
      const lines = value.split("\n").map((line) => line.trim()).filter((line) => line !== "");
      return lines.map((line) => ({
        controller,
        hierarchy,
        file,
        value: line,
        from: ["metadata", "annotations", key],
        required: true,
      }));
    });
}
