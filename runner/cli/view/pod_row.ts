import type { Container, ContainerStatus, Pod } from "../../../schema/kubernetes/mod.ts";
import { ageOf } from "./age.ts";

/** One line of the table of pods. */
export interface PodRow {
  readonly name: string;
  /** `1/2`: containers that are ready, of all. */
  readonly ready: string;
  readonly status: string;
  /** `3 (5m ago)`. */
  readonly restarts: string;
  readonly age: string;
}

const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === "Always";

const endedBy = (status: ContainerStatus): string => {
  const { reason, signal, exitCode } = status.state!.terminated!;
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
};

/** When one of the containers ended last, of those that were restarted. */
function lastRestart(statuses: readonly ContainerStatus[]): string | undefined {
  return statuses.flatMap((status) => status.lastState?.terminated?.finishedAt ?? []).sort().at(-1);
}

/** What the init containers say: the word for the pod while it initializes, and how many sidecars are ready. */
function initWord(pod: Pod): { word: string | undefined; ready: number } {
  const containers = pod.spec?.initContainers ?? [];
  const statuses = pod.status?.initContainerStatuses ?? [];
  let ready = 0;
  for (const [index, status] of statuses.entries()) {
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (isSidecar(containers.find(({ name }) => name === status.name)) && status.started) {
      if (status.ready) ready++;
      continue;
    }
    if (terminated) return { word: `Init:${endedBy(status)}`, ready };
    const reason = waiting?.reason;
    const isSaid = reason !== undefined && reason !== "" && reason !== "PodInitializing";
    return { word: isSaid ? `Init:${reason}` : `Init:${index}/${containers.length}`, ready };
  }
  return { word: undefined, ready };
}

/** What the containers say: the last word in the order of the pod wins, from behind. */
function containersWord(pod: Pod): { word: string | undefined; ready: number } {
  let word: string | undefined;
  let ready = 0;
  for (const status of [...pod.status?.containerStatuses ?? []].reverse()) {
    const { waiting, terminated, running } = status.state ?? {};
    if (waiting?.reason) word = waiting.reason;
    else if (terminated) word = endedBy(status);
    else if (status.ready && running) ready++;
  }
  return { word, ready };
}

const isTrue = (pod: Pod, type: string): boolean =>
  pod.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ??
    false;

/** The words of the pod as a whole, before its containers are asked. */
function ownWord({ status }: Pod): string {
  const gated = status?.conditions?.some(({ type, reason }) =>
    type === "PodScheduled" && reason === "SchedulingGated"
  );
  return gated ? "SchedulingGated" : status?.reason || status?.phase || "Unknown";
}

function statusWord(
  pod: Pod,
  init: string | undefined,
  containers: string | undefined,
  running: number,
): string {
  const phase = pod.status?.phase;
  if (pod.metadata?.deletionTimestamp && phase !== "Succeeded" && phase !== "Failed") return "Terminating";
  if (pod.status?.reason === "Evicted") return "Evicted";
  if (init !== undefined && !isTrue(pod, "Initialized")) return init;
  if (containers === "Completed" && running > 0) return isTrue(pod, "Ready") ? "Running" : "NotReady";
  return containers ?? init ?? ownWord(pod);
}

function restartsOf(pod: Pod, isInitializing: boolean): { count: number; last: string | undefined } {
  const inits = pod.spec?.initContainers ?? [];
  const initStatuses = (pod.status?.initContainerStatuses ?? []).filter((status) =>
    isInitializing || isSidecar(inits.find(({ name }) => name === status.name))
  );
  const statuses = isInitializing ? initStatuses : [...initStatuses, ...pod.status?.containerStatuses ?? []];
  return {
    count: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    last: lastRestart(statuses),
  };
}

/** A pod as the table of `kubectl get pods` shows it. An evicted pod says so, whatever its containers ended with. */
export function podRow(pod: Pod, nowMs: number): PodRow {
  const init = initWord(pod);
  const isInitializing = init.word !== undefined && !isTrue(pod, "Initialized");
  const containers = isInitializing ? { word: undefined, ready: 0 } : containersWord(pod);
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).length;
  const { count, last } = restartsOf(pod, isInitializing);
  return {
    name: pod.metadata?.name ?? "",
    ready: `${init.ready + containers.ready}/${(pod.spec?.containers.length ?? 0) + sidecars}`,
    status: statusWord(pod, init.word, containers.word, containers.ready),
    restarts: count > 0 && last !== undefined ? `${count} (${ageOf(last, nowMs)} ago)` : String(count),
    age: ageOf(pod.metadata?.creationTimestamp, nowMs),
  };
}

/** The columns that `-o wide` adds: IP, NODE, NOMINATED NODE, READINESS GATES. */
export function wideCells(pod: Pod): string[] {
  const gates = pod.spec?.readinessGates ?? [];
  const open = gates.filter(({ conditionType }) => isTrue(pod, conditionType)).length;
  return [
    pod.status?.podIP || "<none>",
    pod.spec?.nodeName || "<none>",
    pod.status?.nominatedNodeName || "<none>",
    gates.length === 0 ? "<none>" : `${open}/${gates.length}`,
  ];
}
