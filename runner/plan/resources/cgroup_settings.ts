import { MAX_PIDS_PER_CONTAINER, MAX_PIDS_PER_POD } from "../../base/mod.ts";
import { annotationProblems, annotationSettings, type CgroupProblem } from "./cgroup_annotations.ts";
import type { CgroupHost, CgroupSetting } from "./cgroup_host.ts";
import { cpuSettings, hugePageSettings, memorySettings, type Origin, setting } from "./_controllers.ts";
import {
  type Amounts,
  type ContainerNeeds,
  containerResources,
  type EffectiveResources,
  hasPodLevelResources,
  isPodLimited,
  type PodNeeds,
  podResources,
  type PodSpecNeeds,
} from "./pod_resources.ts";
import { qosClass } from "./qos.ts";
import { hugePageSizeBytes } from "./_amount.ts";

/** The settings with those that an annotation makes for the same file put in their place; the others follow. */
function override(own: readonly CgroupSetting[], annotated: readonly CgroupSetting[]): CgroupSetting[] {
  const replaced = new Set<string>();
  const merged = own.flatMap((mine) => {
    const theirs = annotated.filter((s) => s.file === mine.file && s.hierarchy === mine.hierarchy);
    if (theirs.length > 0) replaced.add(mine.file);
    return theirs.length > 0 ? theirs : [mine];
  });
  return [...merged, ...annotated.filter((s) => !replaced.has(s.file))];
}

function allContainers(spec: PodSpecNeeds): ContainerNeeds[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}

/** Where in the manifest a container's requests and limits stand. */
function containerOrigin(
  spec: PodSpecNeeds,
  container: ContainerNeeds,
  limitedByPod: ReadonlySet<string>,
): Origin {
  const list = spec.containers.some((c) => c.name === container.name) ? "containers" : "initContainers";
  const index = (spec[list] ?? []).findIndex((c) => c.name === container.name);
  const path = ["spec", list, index, "resources"];
  return (resource, which) => {
    const { requests = {}, limits = {} } = container.resources ?? {};
    const isAsked = requests[resource] !== undefined && requests[resource] !== limits[resource];
    if (which === "requests" && isAsked) return [...path, "requests", resource];
    if (limitedByPod.has(resource)) return ["spec", "resources", "limits", resource];
    return limits[resource] === undefined ? null : [...path, "limits", resource];
  };
}

/** Where in the manifest a pod's stand: `spec.resources`, or else the containers whose sum it is. */
function podOrigin(spec: PodSpecNeeds): Origin {
  return (resource, which) => {
    if (spec.resources?.[which]?.[resource] !== undefined) return ["spec", "resources", which, resource];
    return ["spec", "containers"];
  };
}

/** Which of cpu and memory a container may use up to the pod's own limit, for want of one of its own. */
function limitedByPod(spec: PodSpecNeeds, limits: Amounts): Set<string> {
  if (!hasPodLevelResources(spec)) return new Set();
  const pod = podResources(spec).limits;
  return new Set(["cpu", "memory"].filter((name) => !limits.get(name) && (pod.get(name) ?? 0) > 0));
}

/**
 * What is written into a container's cgroup, in order. Where only the pod has a limit, the container gets the same, so
 * that a program that sizes itself by its own cgroup sees the truth; its cpu request defaults to that limit.
 */
export function containerCgroupSettings(
  pod: PodNeeds,
  container: ContainerNeeds,
  host: CgroupHost,
): CgroupSetting[] {
  const { spec } = pod;
  const own = containerResources(container);
  const shared = limitedByPod(spec, own.limits);
  const whole = podResources(spec);
  const limits = new Map([...own.limits, ...[...whole.limits].filter(([name]) => shared.has(name))]);
  const requests = new Map(own.requests);
  const cpuLimit = limits.get("cpu");
  if (requests.get("cpu") === undefined && cpuLimit !== undefined) requests.set("cpu", cpuLimit);
  const resources: EffectiveResources = { requests, limits };
  const origin = containerOrigin(spec, container, shared);
  const usedByPod = (sizeBytes: number) =>
    [...whole.requests].some(([name, n]) => n > 0 && hugePageSizeBytes(name) === sizeBytes);
  const settings = [
    ...cpuSettings(host, resources, origin),
    ...memorySettings(host, resources, qosClass(spec), origin),
    ...setting(host, 2, "memory", "memory.oom.group", 1),
    ...hugePageSettings(host, limits, origin, usedByPod),
    ...setting(host, null, "pids", "pids.max", MAX_PIDS_PER_CONTAINER),
  ];
  return override(settings, annotationSettings(pod, container.name, host));
}

/** The v2 controllers that the pod's cgroup must hand down to its containers. */
function subtreeControl(pod: PodNeeds, host: CgroupHost): CgroupSetting[] {
  const controllers = new Set(
    allContainers(pod.spec)
      .flatMap((container) => containerCgroupSettings(pod, container, host))
      .filter((s) => host.controllers[s.controller]?.version === 2)
      .map((s) => s.controller),
  );
  if (controllers.size === 0) return [];
  const value = [...controllers].sort().map((name) => `+${name}`).join(" ");
  return [{
    controller: "cgroup",
    hierarchy: 0,
    file: "cgroup.subtree_control",
    value,
    from: null,
    required: true,
  }];
}

/**
 * What is written into a pod's cgroup, in order, before any container's cgroup is made: the containers' sums (or
 * `spec.resources`), limits only where every container has one, as kubelet does.
 */
export function podCgroupSettings(pod: PodNeeds, host: CgroupHost): CgroupSetting[] {
  const { spec } = pod;
  const { requests, limits } = podResources(spec);
  const limited = new Map(
    [...limits].filter(([name]) => name === "cpu" || name === "memory" ? isPodLimited(spec, name) : true),
  );
  const origin = podOrigin(spec);
  const settings = [
    ...subtreeControl(pod, host),
    ...cpuSettings(host, { requests, limits: limited }, origin),
    ...memorySettings(host, { requests, limits: limited }, qosClass(spec), origin),
    ...setting(host, 2, "memory", "memory.swap.max", 0, null, false),
    ...hugePageSettings(host, requests, origin, () => true),
    ...setting(host, null, "pids", "pids.max", MAX_PIDS_PER_POD),
  ];
  return override(settings, annotationSettings(pod, null, host));
}

/**
 * What is written into the cgroup above all pods whenever a pod comes or goes: the machine's processors as its weight,
 * and the sum of what the pods are promised, since the kernel protects no child further than its parent is protected.
 */
export function parentCgroupSettings(pods: readonly PodNeeds[], host: CgroupHost): CgroupSetting[] {
  const promised = (guaranteed: boolean) =>
    pods.filter(({ spec }) => (qosClass(spec) === "Guaranteed") === guaranteed)
      .reduce((sum, { spec }) => sum + (podResources(spec).requests.get("memory") ?? 0), 0);
  return [
    ...cpuSettings(host, { requests: new Map([["cpu", host.cpus * 1000]]), limits: new Map() }, () => null),
    ...setting(host, 2, "memory", "memory.min", promised(true)),
    ...setting(host, 2, "memory", "memory.low", promised(false)),
  ];
}

/** What the pod asks of cgroups that this machine cannot do, all at once; a pod with problems is not to be started. */
export function cgroupProblems(pod: PodNeeds, host: CgroupHost): CgroupProblem[] {
  const { spec } = pod;
  const lists = [
    { path: ["spec", "resources"], resources: spec.resources },
    ...(["initContainers", "containers"] as const).flatMap((list) =>
      (spec[list] ?? []).map((c, index) => ({
        path: ["spec", list, index, "resources"],
        resources: c.resources,
      }))
    ),
  ];
  const refused = lists.flatMap(({ path, resources }) =>
    Object.keys(resources?.limits ?? {}).flatMap((name) => {
      const message = limitFault(name, host);
      return message === null ? [] : [{ path: [...path, "limits", name], message }];
    })
  );
  return [...refused, ...annotationProblems(pod, host)];
}

/** Why a limit on a resource cannot be kept here, or null. */
function limitFault(resource: string, host: CgroupHost): string | null {
  const sizeBytes = hugePageSizeBytes(resource);
  if (sizeBytes !== null && !host.hugePageSizesBytes.includes(sizeBytes)) {
    return `the kernel of this machine has no huge pages of this size`;
  }
  const controller = sizeBytes === null ? resource : "hugetlb";
  if (!["cpu", "memory", "hugetlb"].includes(controller) || controller in host.controllers) return null;
  return `the ${controller} controller is not available in any mounted cgroup hierarchy`;
}
