/** The top decision: what to do next for one pod. A value computed from values; the engine carries it out. */
import type { CompletePod } from "../start/mod.ts";
import {
  type ContainerMemory,
  memoryOf,
  type PodContainer,
  podContainers,
  type PodFailureReason,
  type PodState,
} from "./pod_state.ts";
import { mayRestart, nextAttemptAtMs, retryAtMs } from "./restart.ts";

/** One thing to do. */
export type Action =
  | { readonly do: "create-sandbox" }
  | { readonly do: "start-container"; readonly name: string; readonly attempt: number }
  /** Asks the container to stop: SIGTERM to its first process. */
  | { readonly do: "stop-container"; readonly name: string }
  /** SIGKILL to everything in the container. */
  | { readonly do: "kill-container"; readonly name: string }
  /** Ends the pod as a whole; its containers are killed next. */
  | { readonly do: "fail-pod"; readonly reason: PodFailureReason; readonly message: string }
  /** Takes the namespaces, cgroups and mounts away; the logs and the record stay. */
  | { readonly do: "destroy-sandbox" }
  /** Takes everything away. */
  | { readonly do: "remove-pod" };

/** What to do now, and when to ask again although nothing happens. */
export interface PodPlan {
  readonly actions: readonly Action[];
  readonly wakeAtMs?: number;
}

/** Decides over one pod. */
export function planPod(pod: CompletePod, state: PodState, nowMs: number): PodPlan {
  if (state.deletion) return planStop(pod, state, nowMs) ?? { actions: [{ do: "remove-pod" }] };
  if (state.failure || hasFinished(pod, state)) return planEnd(pod, state, nowMs);
  const deadlineMs = state.startedMs + (pod.spec.activeDeadlineSeconds ?? Infinity) * 1000;
  if (nowMs >= deadlineMs) {
    const message = "Pod was active on the node longer than the specified deadline";
    return { actions: [{ do: "fail-pod", reason: "DeadlineExceeded", message }] };
  }
  const { actions, wakeAtMs = Infinity } = planActive(pod, state, nowMs);
  return planOf(actions, Math.min(wakeAtMs, deadlineMs));
}

/** Infinity: nothing happens by the passing of time alone. */
function planOf(actions: readonly Action[], wakeAtMs: number): PodPlan {
  return wakeAtMs === Infinity ? { actions } : { actions, wakeAtMs };
}

/** Whether the container's process is there, or on its way. */
function isLive(state: PodState, { container }: PodContainer): boolean {
  const memory = memoryOf(state, container.name);
  return memory.state.at === "running" || (memory.state.at === "waiting" && memory.attempt >= 0);
}

/** Whether the pod's work is over: nothing of it will be started again. Sidecars do not count. */
export function hasFinished(pod: CompletePod, state: PodState): boolean {
  const all = podContainers(pod);
  const stuck = all.some((each) =>
    each.role === "init" && endedForGood(pod, state, each) && exitCodeOf(state, each) !== 0
  );
  return stuck || all.filter((each) => each.role === "main").every((each) => endedForGood(pod, state, each));
}

function endedForGood(pod: CompletePod, state: PodState, each: PodContainer): boolean {
  const memory = memoryOf(state, each.container.name);
  return memory.state.at === "terminated" && !mayRestart(pod, each, memory.state.exitCode);
}

function exitCodeOf(state: PodState, each: PodContainer): number {
  const memory = memoryOf(state, each.container.name);
  return memory.state.at === "terminated" ? memory.state.exitCode : 0;
}

/**
 * When whatever still runs is killed: one grace for all of the pod, counted from the request, or from the first stop
 * where the pod ends by itself. An end that has begun is not put off by a request to remove the pod.
 */
function graceEndsMs(pod: CompletePod, state: PodState, nowMs: number): number {
  if (state.failure?.reason === "Evicted") return nowMs;
  const begunMs = Math.min(
    ...Object.values(state.containers).map((memory) => memory.stopSignalledMs ?? Infinity),
  );
  const own = Math.min(begunMs, nowMs) + (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  if (!state.deletion) return own;
  const { requestedMs, graceSeconds } = state.deletion;
  const requested = requestedMs + graceSeconds * 1000;
  return begunMs < requestedMs ? Math.min(own, requested) : requested;
}

/**
 * Grace first: init and main containers, then sidecars one by one in the reverse of their order. When it is over, all
 * that is left is killed. A container that is on its way has no handler yet that could hear of the stop, so it is told
 * once it runs. Undefined when nothing lives.
 */
function planStop(pod: CompletePod, state: PodState, nowMs: number): PodPlan | undefined {
  const live = podContainers(pod).filter((each) => isLive(state, each));
  if (live.length === 0) return undefined;
  const endsMs = graceEndsMs(pod, state, nowMs);
  const named = (wanted: readonly PodContainer[], which: (memory: ContainerMemory) => boolean): string[] =>
    wanted.map((each) => each.container.name).filter((name) => which(memoryOf(state, name)));
  if (nowMs >= endsMs) {
    const left = named(live, (memory) => !memory.killed);
    return { actions: left.map((name) => ({ do: "kill-container", name })) };
  }
  const first = live.filter((each) => each.role !== "sidecar");
  const turn = first.length > 0 ? first : live.slice(-1);
  const untold = named(
    turn,
    (memory) => memory.state.at === "running" && memory.stopSignalledMs === undefined,
  );
  return planOf(untold.map((name) => ({ do: "stop-container", name })), endsMs);
}

/** The pod's end, by itself or by a failure: what lives is stopped, then the sandbox goes; logs and record stay. */
function planEnd(pod: CompletePod, state: PodState, nowMs: number): PodPlan {
  const stop = planStop(pod, state, nowMs);
  if (stop) return stop;
  return { actions: state.sandbox.at === "ended" ? [] : [{ do: "destroy-sandbox" }] };
}

function planActive(pod: CompletePod, state: PodState, nowMs: number): PodPlan {
  if (state.trouble) {
    const atMs = retryAtMs(state.trouble.count, state.trouble.lastMs);
    if (nowMs < atMs) return { actions: [], wakeAtMs: atMs };
  }
  if (state.sandbox.at !== "ready") return { actions: [{ do: "create-sandbox" }] };
  const actions: Action[] = [];
  let wakeAtMs = Infinity;
  const all = podContainers(pod);
  for (const [index, each] of all.entries()) {
    const { name } = each.container;
    const memory = memoryOf(state, name);
    if (needsStart(pod, state, each)) {
      const atMs = nextAttemptAtMs(memory);
      if (nowMs >= atMs) actions.push({ do: "start-container", name, attempt: memory.attempt + 1 });
      else wakeAtMs = Math.min(wakeAtMs, atMs);
    }
    if (blocksNext(state, each, all.slice(index + 1))) break;
  }
  return planOf(actions, wakeAtMs);
}

function needsStart(pod: CompletePod, state: PodState, each: PodContainer): boolean {
  const memory = memoryOf(state, each.container.name);
  if (memory.state.at === "running") return false;
  if (memory.state.at === "waiting") return memory.attempt < 0;
  if (each.role === "init" && memory.state.exitCode === 0) return memory.fromEarlierSandbox === true;
  return mayRestart(pod, each, memory.state.exitCode);
}

/**
 * Init containers run one after the other, all of them again in a new sandbox. A sidecar lets the next one start once it
 * runs; when it ends after that, nobody waits for it.
 */
function blocksNext(state: PodState, each: PodContainer, later: readonly PodContainer[]): boolean {
  const memory = memoryOf(state, each.container.name);
  switch (each.role) {
    case "main":
      return false;
    case "sidecar":
      return memory.state.at !== "running" && !later.some((next) => wasBegun(state, next));
    case "init":
      return memory.state.at !== "terminated" || memory.state.exitCode !== 0 ||
        memory.fromEarlierSandbox === true;
  }
}

/** Whether an attempt of the container was begun in the present sandbox. */
function wasBegun(state: PodState, { container }: PodContainer): boolean {
  const memory = memoryOf(state, container.name);
  return memory.attempt >= 0 && !memory.fromEarlierSandbox;
}
