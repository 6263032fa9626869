/** What is observed of a pod, as the Kubernetes objects that people and their tools read. */
import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  PodStatus,
} from "../../schema/kubernetes/mod.ts";
import { podConditions } from "./pod_conditions.ts";
import { podPhase } from "./pod_phase.ts";

/** A container that is not running yet, or not again. */
export interface WaitingState {
  readonly at: "waiting";
  /** One word, such as `ContainerCreating`. */
  readonly reason?: string;
  readonly message?: string;
}

/** A container whose process runs. */
export interface RunningState {
  readonly at: "running";
  /** Unix time in milliseconds. */
  readonly startedMs: number;
  /** The attempt's own name; `seedpod://` is put before it. */
  readonly containerID?: string;
}

/** A container whose process has ended. */
export interface TerminatedState {
  readonly at: "terminated";
  /** 128 + signal for a process that a signal ended. */
  readonly exitCode: number;
  readonly signal?: number;
  /** `Completed`, `Error`, `OOMKilled`, …. */
  readonly reason: string;
  /** The termination message. */
  readonly message?: string;
  /** Unix times in milliseconds; 0 for one that never started. */
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly containerID?: string;
}

/** Where a container stands. */
export type ObservedContainerState = WaitingState | RunningState | TerminatedState;

/** What is observed of one container, init containers included. */
export interface ObservedContainer {
  readonly name: string;
  /** The image that runs; the spec's when left out. */
  readonly image?: string;
  /** Its digest, where it has one. */
  readonly imageID?: string;
  readonly state: ObservedContainerState;
  /** The end of the attempt before this one. */
  readonly lastState?: TerminatedState;
  readonly restartCount: number;
  /** The startup probe, if any, has succeeded. */
  readonly started: boolean;
  /** The readiness probe, if any, succeeds; for an init container: it has done its work. */
  readonly ready: boolean;
}

/** What is observed of a pod. */
export interface ObservedStatus {
  /** The pod as declared, defaulted. */
  readonly pod: Pod;
  readonly uid: string;
  /** Unix times in milliseconds: when the pod was accepted, and when its sandbox was begun. */
  readonly createdMs: number;
  readonly startedMs?: number;
  readonly nowMs: number;
  /** The pod's namespaces and cgroup stand. */
  readonly sandboxReady: boolean;
  readonly qosClass: NonNullable<PodStatus["qosClass"]>;
  readonly hostIP?: string;
  readonly podIPs?: readonly string[];
  /** The machine's name. */
  readonly nodeName?: string;
  /** The pod as a whole was ended, such as `Evicted` with its reason in words: its phase is Failed. */
  readonly failure?: { readonly reason: string; readonly message?: string };
  /** Why the pod waits as a whole, such as a sandbox that cannot be made. */
  readonly waiting?: { readonly reason: string; readonly message?: string };
  /** The pod is being stopped: Unix time in milliseconds at which its grace ends, and the grace in seconds. */
  readonly deletion?: { readonly deadlineMs: number; readonly graceSeconds: number };
  /** Nothing of the pod will be started again, whatever its restart policy. */
  readonly terminal?: boolean;
  /** Init and other containers alike, in any order; one that is missing waits to be created. */
  readonly containers: readonly ObservedContainer[];
  /** The status before this one: times of transition are kept from it. */
  readonly previous?: PodStatus;
}

/** A Unix time in milliseconds as Kubernetes writes it: RFC 3339, whole seconds, UTC. */
export function kubernetesTime(unixMs: number): string {
  return new Date(Math.floor(unixMs / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

const containerIDOf = (id: string): string => `seedpod://${id}`;

function terminatedState(state: TerminatedState): ContainerStateTerminated {
  return {
    ...(state.containerID !== undefined && { containerID: containerIDOf(state.containerID) }),
    exitCode: state.exitCode,
    finishedAt: kubernetesTime(state.finishedMs),
    ...(state.message && { message: state.message }),
    reason: state.reason,
    ...(state.signal !== undefined && { signal: state.signal }),
    ...(state.startedMs > 0 && { startedAt: kubernetesTime(state.startedMs) }),
  };
}

function containerState(state: ObservedContainerState): ContainerState {
  switch (state.at) {
    case "waiting":
      return {
        waiting: {
          ...(state.message && { message: state.message }),
          ...(state.reason && { reason: state.reason }),
        },
      };
    case "running":
      return { running: { startedAt: kubernetesTime(state.startedMs) } };
    case "terminated":
      return { terminated: terminatedState(state) };
  }
}

/** The name of the attempt that runs or ran last. */
function currentID({ state, lastState }: ObservedContainer): string | undefined {
  return (state.at === "waiting" ? undefined : state.containerID) ?? lastState?.containerID;
}

function containerStatus(container: Container, observed: ObservedContainer): ContainerStatus {
  const id = currentID(observed);
  return {
    ...(id !== undefined && { containerID: containerIDOf(id) }),
    image: observed.image ?? container.image ?? "",
    imageID: observed.imageID ?? "",
    lastState: observed.lastState ? { terminated: terminatedState(observed.lastState) } : {},
    name: container.name,
    ready: observed.ready,
    restartCount: observed.restartCount,
    started: observed.state.at === "running" && observed.started,
    state: containerState(observed.state),
  };
}

/** Where a container stands of which nothing is known: it waits for the init containers, or to be created. */
function unseen(input: ObservedStatus, container: Container, isInit: boolean): ObservedContainer {
  const afterInit = !isInit && (input.pod.spec?.initContainers?.length ?? 0) > 0;
  const reason = input.waiting?.reason ?? (afterInit ? "PodInitializing" : "ContainerCreating");
  const message = input.waiting?.message;
  return {
    name: container.name,
    state: { at: "waiting", reason, ...(message !== undefined && { message }) },
    restartCount: 0,
    started: false,
    ready: false,
  };
}

function statusesOf(
  input: ObservedStatus,
  containers: readonly Container[],
  isInit: boolean,
): ContainerStatus[] {
  const observed = new Map(input.containers.map((container) => [container.name, container]));
  return containers.map((container) =>
    containerStatus(container, observed.get(container.name) ?? unseen(input, container, isInit))
  );
}

const byName = (a: ContainerStatus, b: ContainerStatus): number => a.name < b.name ? -1 : 1;

/**
 * The status of a pod, to the letter of Kubernetes' PodStatus: phase and conditions by kubelet's rules, container
 * statuses sorted by name and init container statuses in the order they run.
 */
export function podStatus(input: ObservedStatus): PodStatus {
  const spec = input.pod.spec ?? { containers: [] };
  const initStatuses = statusesOf(input, spec.initContainers ?? [], true);
  const statuses = statusesOf(input, spec.containers, false).sort(byName);
  const ended = input.terminal === true || input.deletion !== undefined;
  const initialized =
    input.previous?.conditions?.some(({ type, status }) => type === "Initialized" && status === "True") ??
      false;
  const phase = input.failure
    ? "Failed"
    : podPhase(spec, [...initStatuses, ...statuses], { ended, initialized });
  const [podIP] = input.podIPs ?? [];
  return {
    conditions: podConditions({
      spec,
      phase,
      statuses,
      initStatuses,
      sandboxReady: input.sandboxReady,
      previous: input.previous?.conditions ?? [],
      now: kubernetesTime(input.nowMs),
    }),
    containerStatuses: statuses,
    ...(input.hostIP !== undefined && { hostIP: input.hostIP, hostIPs: [{ ip: input.hostIP }] }),
    ...(initStatuses.length > 0 && { initContainerStatuses: initStatuses }),
    ...(input.failure?.message !== undefined && { message: input.failure.message }),
    phase,
    ...(podIP !== undefined && { podIP, podIPs: input.podIPs!.map((ip) => ({ ip })) }),
    qosClass: input.qosClass,
    ...(input.failure && { reason: input.failure.reason }),
    ...(input.startedMs !== undefined && { startTime: kubernetesTime(input.startedMs) }),
  };
}

/** The whole v1.Pod that a reader of the API sees: what was declared, with the metadata and status that are observed. */
export function observedPod(input: ObservedStatus): Pod {
  const { pod, deletion } = input;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...pod.metadata,
      creationTimestamp: kubernetesTime(input.createdMs),
      ...(deletion && {
        deletionGracePeriodSeconds: deletion.graceSeconds,
        deletionTimestamp: kubernetesTime(deletion.deadlineMs),
      }),
      uid: input.uid,
    },
    spec: {
      ...(pod.spec ?? { containers: [] }),
      ...(input.nodeName !== undefined && { nodeName: input.nodeName }),
    },
    status: podStatus(input),
  };
}
