import {
  aggregateRequests,
  type Amounts,
  type ContainerNeeds,
  containerResources,
  type EffectiveResources,
  hasPodLevelResources,
  isSidecar,
  podLevelResources,
  type PodSpecNeeds,
} from "./pod_resources.ts";

/** Kubernetes' PodQOSClass. */
export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** oom_score_adj of containers that are to be killed last. */
const GUARANTEED_OOM_SCORE_ADJ = -997;
/** oom_score_adj of containers that are to be killed first. */
const BEST_EFFORT_OOM_SCORE_ADJ = 1000;

/** The amounts above zero of the two resources that decide the class. */
function counted(amounts: Amounts): Map<string, number> {
  return new Map([...amounts].filter(([name, n]) => (name === "cpu" || name === "memory") && n > 0));
}

/** The parts of a pod whose resources are compared: the pod itself where it has resources, else each container. */
function parts(spec: PodSpecNeeds): EffectiveResources[] {
  if (hasPodLevelResources(spec)) return [podLevelResources(spec)];
  return [...spec.containers, ...(spec.initContainers ?? [])].map(containerResources);
}

function total(lists: readonly Amounts[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const [name, amount] of lists.flatMap((list) => [...counted(list)])) {
    sum.set(name, (sum.get(name) ?? 0) + amount);
  }
  return sum;
}

/**
 * The pod's QoS class as Kubernetes 1.36 computes it, pod-level resources included.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
export function qosClass(spec: PodSpecNeeds): QosClass {
  const all = parts(spec);
  const requests = total(all.map((part) => part.requests));
  const limits = total(all.map((part) => part.limits));
  if (requests.size === 0 && limits.size === 0) return "BestEffort";
  const limited = all.every((part) => counted(part.limits).size === 2);
  const equal = requests.size === limits.size && [...requests].every(([name, n]) => limits.get(name) === n);
  return limited && equal ? "Guaranteed" : "Burstable";
}

/** The whole part of `1000 * bytes / machineBytes`, exact for every byte count below 2^43. */
function thousandths(bytes: number, machineBytes: number): number {
  const scaled = 1000 * bytes;
  return (scaled - scaled % machineBytes) / machineBytes;
}

/** What of the pod's own memory request no container asks for, per container. */
function unclaimedMemoryPerContainer(spec: PodSpecNeeds): number {
  const request = podLevelResources(spec).requests.get("memory") ?? 0;
  if (request === 0) return 0;
  const claimed = aggregateRequests(spec).get("memory") ?? 0;
  return Math.trunc((request - claimed) / (spec.containers.length + (spec.initContainers ?? []).length));
}

/**
 * The container's `oom_score_adj`, -997 to 1000, by Kubernetes' formula: -997 for Guaranteed and node-critical pods, 1000
 * for BestEffort, between them the less the larger the share of the machine's memory that is asked for; a sidecar is
 * never killed before the containers that it serves.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior
 */
export function oomScoreAdj(
  spec: PodSpecNeeds,
  container: ContainerNeeds,
  machineMemoryBytes: number,
): number {
  if (spec.priorityClassName === "system-node-critical") return GUARANTEED_OOM_SCORE_ADJ;
  const qos = qosClass(spec);
  if (qos === "Guaranteed") return GUARANTEED_OOM_SCORE_ADJ;
  if (qos === "BestEffort") return BEST_EFFORT_OOM_SCORE_ADJ;
  const memoryRequest = (c: ContainerNeeds) => containerResources(c).requests.get("memory") ?? 0;
  const own = memoryRequest(container);
  const least = Math.min(...spec.containers.map(memoryRequest));
  const claimed = isSidecar(spec, container) ? Math.max(own, least) : own;
  const score = 1000 - thousandths(claimed + unclaimedMemoryPerContainer(spec), machineMemoryBytes);
  return Math.min(Math.max(score, 1000 + GUARANTEED_OOM_SCORE_ADJ), BEST_EFFORT_OOM_SCORE_ADJ - 1);
}
