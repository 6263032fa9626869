/** What facts do to a pod's state: each takes a state and gives the next one. */
import type { TerminatedState } from "../pod_status.ts";
import { wasOomKilled } from "../resources/mod.ts";
import {
  type ContainerMemory,
  memoryOf,
  type PodFailureReason,
  type PodState,
  type Trouble,
} from "./pod_state.ts";

/** Within this time after a kill by the kernel the news of the process's end has come. */
const OOM_NEWS_MS = 1_000;

/** A container that ran this long is past its crash loop: its back-off starts anew. Kubernetes' ten minutes. */
export const STABLE_MS = 600_000;

function withContainer(state: PodState, name: string, memory: ContainerMemory): PodState {
  return { ...state, containers: { ...state.containers, [name]: memory } };
}

/** Attempts in a row that ended early, after one more end. */
function quickEndsAfter(before: ContainerMemory, finishedMs: number): number {
  const stable = before.state.at === "running" && finishedMs - before.state.startedMs >= STABLE_MS;
  return stable ? 1 : before.quickEnds + 1;
}

/** The sandbox stands; what ended in an earlier one is marked so. */
export function sandboxReady(state: PodState, pid: number, startTicks: number): PodState {
  const { trouble: _trouble, ...rest } = state;
  const containers = Object.entries(state.containers).map(([name, memory]): [string, ContainerMemory] => [
    name,
    memory.attempt < 0 ? memory : { ...memory, fromEarlierSandbox: true },
  ]);
  return {
    ...rest,
    sandbox: { at: "ready", pid, startTicks },
    containers: Object.fromEntries(containers),
  };
}

function anotherTrouble(
  before: Trouble | undefined,
  reason: string,
  message: string,
  nowMs: number,
): { trouble: Trouble } {
  return { trouble: { reason, message, count: (before?.count ?? 0) + 1, lastMs: nowMs } };
}

/** The sandbox could not be made; it is tried again after a pause. */
export function troubled(state: PodState, reason: string, message: string, nowMs: number): PodState {
  return { ...state, ...anotherTrouble(state.trouble, reason, message, nowMs) };
}

/** A container's attempt could not be prepared, and is as if it had not been begun; it is tried again after a pause. */
export function containerTroubled(
  state: PodState,
  name: string,
  reason: string,
  message: string,
  nowMs: number,
): PodState {
  const before = memoryOf(state, name);
  return withContainer(state, name, { ...before, ...anotherTrouble(before.trouble, reason, message, nowMs) });
}

/** An attempt of a container is begun. */
export function containerBegun(state: PodState, name: string, attempt: number): PodState {
  const before = memoryOf(state, name);
  const {
    stopSignalledMs: _signalled,
    killed: _killed,
    fromEarlierSandbox: _earlier,
    oomKillsSeen: _seen,
    ...rest
  } = before;
  const last = before.state.at === "terminated" ? { lastState: before.state } : {};
  return withContainer(state, name, {
    ...rest,
    ...last,
    attempt,
    state: { at: "waiting", reason: "ContainerCreating" },
    oomKills: 0,
    restartCount: attempt,
  });
}

/** The container's process runs the user's program. News that comes again, or after the end, changes nothing. */
export function containerRunning(state: PodState, name: string, startedMs: number): PodState {
  if (memoryOf(state, name).state.at !== "waiting") return state;
  const { trouble: _podTrouble, ...rest } = state;
  const { trouble: _trouble, ...before } = memoryOf(state, name);
  const containerID = containerId(state, name, before.attempt);
  return withContainer(rest, name, { ...before, state: { at: "running", startedMs, containerID } });
}

/** The name of one attempt of a container, unique on the machine. */
export function containerId(state: PodState, name: string, attempt: number): string {
  return `${state.uid}/${name}/${attempt}`;
}

/** How an attempt ended. */
export interface AttemptEnd {
  /** The wait status, see `wait(2)`. */
  readonly waitStatus: number;
  readonly finishedMs: number;
  /** The out-of-memory kills that its cgroup counts now. */
  readonly oomKills: number;
  /** The termination message. */
  readonly message: string;
}

/** The attempt has ended. */
export function containerExited(state: PodState, name: string, end: AttemptEnd): PodState {
  const { oomKillsSeen: _seen, trouble: _trouble, ...before } = memoryOf(state, name);
  if (before.state.at === "terminated") return state;
  const signal = end.waitStatus & 0x7f;
  const exitCode = signal ? 128 + signal : (end.waitStatus >> 8) & 0xff;
  const startedMs = before.state.at === "running" ? before.state.startedMs : 0;
  const oom = wasOomKilled({
    mainExitSignal: signal === 0 ? null : signal,
    oomKillsBefore: outlivedOomKills(memoryOf(state, name), end.finishedMs),
    oomKillsAfter: end.oomKills,
    weSentKill: before.killed === true,
  });
  const terminated: TerminatedState = {
    at: "terminated",
    exitCode,
    ...(signal ? { signal } : {}),
    reason: oom ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error",
    ...(end.message ? { message: end.message } : {}),
    startedMs,
    finishedMs: end.finishedMs,
    containerID: containerId(state, name, before.attempt),
  };
  return withContainer(state, name, {
    ...before,
    state: terminated,
    quickEnds: quickEndsAfter(before, end.finishedMs),
  });
}

/** The attempt could not be started: the program failed before the user's command ran. Kubernetes' StartError. */
export function containerStartFailed(
  state: PodState,
  name: string,
  message: string,
  nowMs: number,
): PodState {
  const { trouble: _trouble, ...before } = memoryOf(state, name);
  if (before.state.at === "terminated") return state;
  const terminated: TerminatedState = {
    at: "terminated",
    exitCode: 128,
    reason: "StartError",
    message,
    startedMs: 0,
    finishedMs: nowMs,
    containerID: containerId(state, name, before.attempt),
  };
  return withContainer(state, name, { ...before, state: terminated, quickEnds: before.quickEnds + 1 });
}

/** The stop of a container was asked for. */
export function stopSignalled(state: PodState, name: string, nowMs: number): PodState {
  return withContainer(state, name, { ...memoryOf(state, name), stopSignalledMs: nowMs });
}

/** SIGKILL was sent to a container. */
export function killSent(state: PodState, name: string): PodState {
  return withContainer(state, name, { ...memoryOf(state, name), killed: true });
}

/** The kills that the first process had outlived at a time: what was seen just before may have been its own. */
function outlivedOomKills({ oomKills, oomKillsSeen: seen }: ContainerMemory, atMs: number): number {
  return seen && atMs - seen.atMs >= OOM_NEWS_MS ? seen.count : oomKills;
}

/** The out-of-memory kills of a running container's cgroup were looked at. */
export function oomKillsSeen(state: PodState, name: string, count: number, nowMs: number): PodState {
  const before = memoryOf(state, name);
  if (count === (before.oomKillsSeen?.count ?? before.oomKills)) return state;
  return withContainer(state, name, {
    ...before,
    oomKills: outlivedOomKills(before, nowMs),
    oomKillsSeen: { count, atMs: nowMs },
  });
}

/** An attempt is gone without news of its end. */
function containerLost(state: PodState, name: string, message: string, nowMs: number): PodState {
  const { oomKillsSeen: _seen, trouble: _trouble, ...memory } = memoryOf(state, name);
  const lost: TerminatedState = {
    at: "terminated",
    exitCode: 137,
    signal: 9,
    ...(memory.killed ? { reason: "Error" } : { reason: "ContainerStatusUnknown", message }),
    startedMs: memory.state.at === "running" ? memory.state.startedMs : 0,
    finishedMs: nowMs,
    containerID: containerId(state, name, memory.attempt),
  };
  return withContainer(state, name, { ...memory, state: lost, quickEnds: quickEndsAfter(memory, nowMs) });
}

/**
 * The sandbox does not know of the attempt that was begun: the request for it was lost with the daemon that made it, or
 * the news of its failure was. It is as if it had not been begun; and one that ran has been lost.
 */
export function containerForgotten(state: PodState, name: string, nowMs: number): PodState {
  const { lastState, ...before } = memoryOf(state, name);
  if (before.state.at === "terminated" || before.attempt < 0) return state;
  if (before.state.at === "running") {
    return containerLost(state, name, "The pod's PID 1 does not know of the container", nowMs);
  }
  const attempt = before.attempt - 1;
  return withContainer(state, name, {
    ...before,
    attempt,
    restartCount: Math.max(attempt, 0),
    // an init container that had ended well would not have been begun again, but for a new sandbox
    ...(lastState ? { state: lastState, fromEarlierSandbox: true } : { state: { at: "waiting" } }),
  });
}

/** The pod's PID 1 is gone, and with it all that ran: what the kernel did not tell is said as Kubernetes says it. */
export function sandboxLost(state: PodState, nowMs: number): PodState {
  const message = "The pod's PID 1 went away";
  const absent: PodState = { ...state, sandbox: { at: "absent" } };
  return Object.entries(state.containers)
    .filter(([, memory]) => memory.state.at !== "terminated" && memory.attempt >= 0)
    .reduce(
      (next, [name]) => containerLost(next, name, `${message}, and the container with it`, nowMs),
      troubled(absent, "SandboxChanged", message, nowMs),
    );
}

/** The sandbox is taken down for good. */
export function sandboxEnded(state: PodState): PodState {
  return { ...state, sandbox: { at: "ended" } };
}

/** The pod is ended as a whole. */
export function podFailed(state: PodState, reason: PodFailureReason, message: string): PodState {
  return { ...state, failure: { reason, message } };
}
