import type { Container, PodStatus } from "../../../schema/kubernetes/mod.ts";
import type { ObservedContainerState, TerminatedState } from "../pod_status.ts";
import { isSidecar } from "../resources/mod.ts";
import type { CompletePod } from "../start/mod.ts";

/** What a container is to its pod. */
export type ContainerRole = "init" | "sidecar" | "main";

/** Something on the way to a running container that failed, and is tried again after a pause. */
export interface Trouble {
  readonly reason: string;
  readonly message: string;
  /** How often in a row. */
  readonly count: number;
  readonly lastMs: number;
}

/** What is known of one container. */
export interface ContainerMemory {
  readonly state: ObservedContainerState;
  /** The number of the latest attempt, from 0; -1 before the first. */
  readonly attempt: number;
  readonly restartCount: number;
  /** Attempts in a row that ended before {@linkcode STABLE_MS}: what back-off counts. */
  readonly quickEnds: number;
  readonly lastState?: TerminatedState;
  /** The last failure to prepare its next attempt. */
  readonly trouble?: Trouble;
  /** When its graceful stop was asked for, Unix milliseconds. */
  readonly stopSignalledMs?: number;
  /** seedpod sent SIGKILL. */
  readonly killed?: true;
  /** The out-of-memory kills of its cgroup that its first process outlived. */
  readonly oomKills: number;
  /** A higher count, at a look that may have come between the kill of the first process and the news of its end. */
  readonly oomKillsSeen?: { readonly count: number; readonly atMs: number };
  /** Its last attempt ended in an earlier sandbox: in the new one an init container runs again. */
  readonly fromEarlierSandbox?: true;
}

/** Why a pod is ended as a whole. */
export type PodFailureReason = "Evicted" | "DeadlineExceeded";

/** The pod's namespaces and cgroup. */
export type SandboxState =
  | { readonly at: "absent" }
  /** `pid` and `startTicks` (field 22 of /proc/PID/stat) together name the pod's PID 1 on the machine. */
  | { readonly at: "ready"; readonly pid: number; readonly startTicks: number }
  /** Ended for good. */
  | { readonly at: "ended" };

/** Everything that is known of a pod and that the manifest does not say. Plain data: it is what the record keeps. */
export interface PodState {
  readonly uid: string;
  readonly createdMs: number;
  /** When it was taken on: what activeDeadlineSeconds counts from. */
  readonly startedMs: number;
  readonly sandbox: SandboxState;
  /** The last failure to make the sandbox, or of a turn as a whole. */
  readonly trouble?: Trouble;
  readonly containers: Readonly<Record<string, ContainerMemory>>;
  /** The pod is to be stopped and removed. */
  readonly deletion?: { readonly requestedMs: number; readonly graceSeconds: number };
  /** The pod was ended as a whole: Evicted, DeadlineExceeded. */
  readonly failure?: { readonly reason: PodFailureReason; readonly message: string };
  /** The last status told, whose times of transition the next one keeps. */
  readonly status?: PodStatus;
}

/** A container of a pod with its role and its place in the manifest. */
export interface PodContainer {
  readonly container: Container;
  readonly role: ContainerRole;
  readonly from: readonly (string | number)[];
}

/** The containers of a pod in the order in which they are started. */
export function podContainers(pod: CompletePod): PodContainer[] {
  const inits = (pod.spec.initContainers ?? []).map((container, index): PodContainer => ({
    container,
    role: isSidecar(pod.spec, container) ? "sidecar" : "init",
    from: ["spec", "initContainers", index],
  }));
  const mains = pod.spec.containers.map((container, index): PodContainer => ({
    container,
    role: "main",
    from: ["spec", "containers", index],
  }));
  return [...inits, ...mains];
}

/** A container that was never started. */
const FRESH: ContainerMemory = {
  state: { at: "waiting" },
  attempt: -1,
  restartCount: 0,
  quickEnds: 0,
  oomKills: 0,
};

/** What is known of a container, also before anything is. */
export function memoryOf(state: PodState, name: string): ContainerMemory {
  return state.containers[name] ?? FRESH;
}

/** The state of a pod that was just accepted. */
export function newPodState(uid: string, nowMs: number): PodState {
  return { uid, createdMs: nowMs, startedMs: nowMs, sandbox: { at: "absent" }, containers: {} };
}

/** infra's name for an attempt of a container: the same for every daemon, so that one can take over from another. */
export function processId(pod: CompletePod, name: string, attempt: number): bigint {
  const index = podContainers(pod).findIndex((each) => each.container.name === name);
  return (BigInt(index + 1) << 32n) | BigInt(attempt + 1);
}

/** The container and attempt behind infra's name; undefined for a name of another kind, such as an exec's. */
export function processOf(pod: CompletePod, id: bigint): { name: string; attempt: number } | undefined {
  const each = podContainers(pod)[Number(id >> 32n) - 1];
  const attempt = Number(id & 0xffffffffn) - 1;
  return each && attempt >= 0 ? { name: each.container.name, attempt } : undefined;
}
