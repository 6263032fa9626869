/** The top decision: what to do next for one pod. A value computed from values; the engine carries it out. */
import type { CompletePod } from "../start/mod.ts";
import {
  type ContainerMemory,
  memoryOf,
  type PodContainer,
  podContainers,
  type PodState,
} from "./pod_state.ts";
import { mayRestart, restartAtMs, retryAtMs } from "./restart.ts";

/** One thing to do. */
export type Action =
  | { readonly do: "create-sandbox" }
  | { readonly do: "start-container"; readonly name: string; readonly attempt: number }
  /** Asks the container to stop: SIGTERM to its first process. */
  | { readonly do: "stop-container"; readonly name: string }
  /** SIGKILL to everything in the container. */
  | { readonly do: "kill-container"; readonly name: string }
  /** Ends the pod as a whole; its containers are killed next. */
  | { readonly do: "fail-pod"; readonly reason: string; readonly message: string }
  /** Takes the namespaces, cgroups and mounts away; the logs and the record stay. */
  | { readonly do: "destroy-sandbox" }
  /** Takes everything away. */
  | { readonly do: "remove-pod" };

/** What to do now, and when to ask again although nothing happens. */
export interface PodPlan {
  readonly actions: readonly Action[];
  readonly wakeAtMs?: number;
}

const DONE: PodPlan = { actions: [] };

/** Decides over one pod. */
export function planPod(pod: CompletePod, state: PodState, nowMs: number): PodPlan {
  if (state.deletion) return planRemoval(pod, state, nowMs);
  if (state.failure) return planFailed(pod, state);
  const deadline = deadlineMs(pod, state);
  if (deadline !== undefined && nowMs >= deadline && !hasFinished(pod, state)) {
    const message = "Pod was active on the node longer than the specified deadline";
    return { actions: [{ do: "fail-pod", reason: "DeadlineExceeded", message }] };
  }
  const plan = hasFinished(pod, state) ? planFinished(pod, state, nowMs) : planActive(pod, state, nowMs);
  return deadline === undefined || state.sandbox.at === "ended" ? plan : earlier(plan, deadline);
}

function deadlineMs(pod: CompletePod, state: PodState): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  return seconds === undefined || state.startedMs === undefined
    ? undefined
    : state.startedMs + seconds * 1000;
}

function earlier(plan: PodPlan, atMs: number): PodPlan {
  return { ...plan, wakeAtMs: Math.min(plan.wakeAtMs ?? Infinity, atMs) };
}

/** Whether the container's process is there, or on its way. */
function isLive(state: PodState, name: string): boolean {
  const memory = memoryOf(state, name);
  return memory.state.at === "running" || (memory.state.at === "waiting" && memory.attempt >= 0);
}

function liveOf(pod: CompletePod, state: PodState, wanted: (each: PodContainer) => boolean): PodContainer[] {
  return podContainers(pod).filter((each) => wanted(each) && isLive(state, each.container.name));
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

/** Grace first, then the kernel: main containers, then sidecars in the reverse of their order. */
function planStop(pod: CompletePod, state: PodState, nowMs: number, graceMs: number): PodPlan | undefined {
  const mains = liveOf(pod, state, (each) => each.role !== "sidecar");
  const sidecars = liveOf(pod, state, (each) => each.role === "sidecar").reverse();
  const group = mains.length > 0 ? mains : sidecars.slice(0, 1);
  if (group.length === 0) return undefined;
  const since = state.deletion?.requestedMs ?? nowMs;
  const actions: Action[] = [];
  let wakeAtMs = Infinity;
  for (const { container: { name } } of group) {
    const memory = memoryOf(state, name);
    const signalled = memory.stopSignalledMs;
    const endsMs = (state.deletion ? since : signalled ?? nowMs) + graceMs;
    if (memory.killed) continue;
    if (nowMs >= endsMs) actions.push({ do: "kill-container", name });
    else {
      if (signalled === undefined) actions.push({ do: "stop-container", name });
      wakeAtMs = Math.min(wakeAtMs, endsMs);
    }
  }
  return wakeAtMs === Infinity ? { actions } : { actions, wakeAtMs };
}

function planRemoval(pod: CompletePod, state: PodState, nowMs: number): PodPlan {
  const stop = planStop(pod, state, nowMs, state.deletion!.graceSeconds * 1000);
  return stop ?? { actions: [{ do: "remove-pod" }] };
}

/** A pod that was ended as a whole is killed at once, as kubelet evicts. */
function planFailed(pod: CompletePod, state: PodState): PodPlan {
  const live = liveOf(pod, state, () => true).filter((each) => !memoryOf(state, each.container.name).killed);
  if (live.length > 0) {
    return { actions: live.map((each) => ({ do: "kill-container", name: each.container.name })) };
  }
  if (liveOf(pod, state, () => true).length > 0 || state.sandbox.at === "ended") return DONE;
  return { actions: [{ do: "destroy-sandbox" }] };
}

/** The work is over: sidecars are stopped, then the sandbox goes; logs and record stay until the pod is removed. */
function planFinished(pod: CompletePod, state: PodState, nowMs: number): PodPlan {
  const graceMs = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  const stop = planStop(pod, state, nowMs, graceMs);
  if (stop) return stop;
  return state.sandbox.at === "ended" ? DONE : { actions: [{ do: "destroy-sandbox" }] };
}

function planActive(pod: CompletePod, state: PodState, nowMs: number): PodPlan {
  if (state.trouble) {
    const atMs = retryAtMs(state.trouble.count, state.trouble.lastMs);
    if (nowMs < atMs) return { actions: [], wakeAtMs: atMs };
  }
  if (state.sandbox.at !== "ready") return { actions: [{ do: "create-sandbox" }] };
  const actions: Action[] = [];
  let wakeAtMs = Infinity;
  for (const each of podContainers(pod)) {
    const { name } = each.container;
    const memory = memoryOf(state, name);
    if (needsStart(pod, state, each)) {
      const atMs = restartAtMs(memory);
      if (nowMs >= atMs) actions.push({ do: "start-container", name, attempt: memory.attempt + 1 });
      else wakeAtMs = Math.min(wakeAtMs, atMs);
    }
    if (blocksNext(state, each)) break;
  }
  return wakeAtMs === Infinity ? { actions } : { actions, wakeAtMs };
}

function needsStart(pod: CompletePod, state: PodState, each: PodContainer): boolean {
  const memory = memoryOf(state, each.container.name);
  if (memory.state.at === "running") return false;
  if (memory.state.at === "waiting") return memory.attempt < 0;
  if (each.role === "init" && memory.state.exitCode === 0) return false;
  return mayRestart(pod, each, memory.state.exitCode);
}

/** Init containers run one after the other; a sidecar lets the next one start once it runs. */
function blocksNext(state: PodState, each: PodContainer): boolean {
  const memory = memoryOf(state, each.container.name);
  switch (each.role) {
    case "main":
      return false;
    case "sidecar":
      return memory.state.at !== "running" && memory.attempt < 1 && !hasRun(memory);
    case "init":
      return memory.state.at !== "terminated" || memory.state.exitCode !== 0;
  }
}

function hasRun({ state }: ContainerMemory): boolean {
  return state.at === "terminated" && state.startedMs > 0;
}
