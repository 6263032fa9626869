/** What facts do to a pod's state: each takes a state and gives the next one. */
import type { TerminatedState } from "../pod_status.ts";
import { wasOomKilled } from "../resources/mod.ts";
import { type ContainerMemory, memoryOf, type PodState } from "./pod_state.ts";

/** A container that ran this long is past its crash loop: its back-off starts anew. Kubernetes' ten minutes. */
export const STABLE_MS = 600_000;

function withContainer(state: PodState, name: string, memory: ContainerMemory): PodState {
  return { ...state, containers: { ...state.containers, [name]: memory } };
}

/** The sandbox stands. */
export function sandboxReady(state: PodState, pid: number, startTicks: number, nowMs: number): PodState {
  const { trouble: _trouble, ...rest } = state;
  return { ...rest, sandbox: { at: "ready", pid, startTicks }, startedMs: state.startedMs ?? nowMs };
}

/** Something on the way to a running container failed; it is tried again after a pause. */
export function troubled(state: PodState, reason: string, message: string, nowMs: number): PodState {
  return { ...state, trouble: { reason, message, count: (state.trouble?.count ?? 0) + 1, lastMs: nowMs } };
}

/** The same where it is one container that could not be prepared. */
export function containerTroubled(
  state: PodState,
  name: string,
  reason: string,
  message: string,
  nowMs: number,
): PodState {
  const next = troubled(state, reason, message, nowMs);
  return { ...next, trouble: { ...next.trouble!, container: name } };
}

/** An attempt of a container is begun. */
export function containerBegun(state: PodState, name: string, attempt: number): PodState {
  const before = memoryOf(state, name);
  const { stopSignalledMs: _signalled, killed: _killed, ...rest } = before;
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

/** The container's process runs the user's program. */
export function containerRunning(state: PodState, name: string, startedMs: number): PodState {
  const before = memoryOf(state, name);
  const { trouble: _trouble, ...rest } = state;
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
  const before = memoryOf(state, name);
  if (before.state.at === "terminated") return state;
  const signal = end.waitStatus & 0x7f;
  const exitCode = signal ? 128 + signal : (end.waitStatus >> 8) & 0xff;
  const startedMs = before.state.at === "running" ? before.state.startedMs : 0;
  const oom = wasOomKilled({
    mainExitSignal: signal === 0 ? null : signal,
    oomKillsBefore: before.oomKills,
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
  const quick = end.finishedMs - startedMs < STABLE_MS;
  return withContainer(state, name, {
    ...before,
    state: terminated,
    quickEnds: quick ? before.quickEnds + 1 : 1,
  });
}

/** The attempt could not be started: the program failed before the user's command ran. Kubernetes' StartError. */
export function containerStartFailed(
  state: PodState,
  name: string,
  message: string,
  nowMs: number,
): PodState {
  const before = memoryOf(state, name);
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

/** The out-of-memory kills of a running container's cgroup were looked at. */
export function oomKillsSeen(state: PodState, name: string, oomKills: number): PodState {
  const before = memoryOf(state, name);
  return before.oomKills === oomKills ? state : withContainer(state, name, { ...before, oomKills });
}

/** The pod's PID 1 is gone, and with it all that ran: what the kernel did not tell is said as Kubernetes says it. */
export function sandboxLost(state: PodState, nowMs: number): PodState {
  let next: PodState = { ...state, sandbox: { at: "absent" } };
  for (const [name, memory] of Object.entries(state.containers)) {
    if (memory.state.at === "terminated" || memory.attempt < 0) continue;
    const startedMs = memory.state.at === "running" ? memory.state.startedMs : 0;
    const lost: TerminatedState = {
      at: "terminated",
      exitCode: 137,
      signal: 9,
      reason: memory.killed ? "Error" : "ContainerStatusUnknown",
      message: memory.killed ? "" : "The pod's PID 1 went away, and the container with it",
      startedMs,
      finishedMs: nowMs,
      containerID: containerId(state, name, memory.attempt),
    };
    next = withContainer(next, name, { ...memory, state: lost, quickEnds: memory.quickEnds + 1 });
  }
  return next;
}

/** The sandbox is taken down for good. */
export function sandboxEnded(state: PodState): PodState {
  return { ...state, sandbox: { at: "ended" } };
}

/** The pod is ended as a whole. */
export function podFailed(state: PodState, reason: string, message: string): PodState {
  return { ...state, failure: { reason, message } };
}
