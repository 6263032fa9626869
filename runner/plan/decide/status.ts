import type { Pod } from "../../../schema/kubernetes/mod.ts";
import { type ObservedContainer, observedPod, type ObservedStatus } from "../pod_status.ts";
import { qosClass } from "../resources/mod.ts";
import type { CompletePod } from "../start/mod.ts";
import { hasFinished } from "./plan_pod.ts";
import {
  type ContainerMemory,
  memoryOf,
  type PodContainer,
  podContainers,
  type PodState,
} from "./pod_state.ts";
import { mayRestart, restartAtMs } from "./restart.ts";

/** What the machine adds to a pod's status. */
export interface StatusFacts {
  readonly nowMs: number;
  readonly nodeName: string;
  readonly hostIP?: string;
}

/** The pod as Kubernetes shows it: spec and status. */
export function podObject(pod: CompletePod, state: PodState, facts: StatusFacts): Pod {
  return observedPod(observedStatus(pod, state, facts));
}

function observedStatus(pod: CompletePod, state: PodState, facts: StatusFacts): ObservedStatus {
  const { trouble } = state;
  const hostIP = facts.hostIP ? { hostIP: facts.hostIP } : {};
  return {
    pod,
    uid: state.uid,
    createdMs: state.createdMs,
    ...(state.startedMs === undefined ? {} : { startedMs: state.startedMs }),
    nowMs: facts.nowMs,
    sandboxReady: state.sandbox.at === "ready",
    qosClass: qosClass(pod.spec),
    ...hostIP,
    ...(pod.spec.hostNetwork && facts.hostIP ? { podIPs: [facts.hostIP] } : {}),
    nodeName: facts.nodeName,
    ...(state.failure ? { failure: state.failure } : {}),
    ...(trouble && !trouble.container ? { waiting: trouble } : {}),
    ...(state.deletion
      ? {
        deletion: {
          deadlineMs: state.deletion.requestedMs + state.deletion.graceSeconds * 1000,
          graceSeconds: state.deletion.graceSeconds,
        },
      }
      : {}),
    ...(hasFinished(pod, state) ? { terminal: true } : {}),
    containers: podContainers(pod).filter(({ container: { name } }) =>
      memoryOf(state, name).attempt >= 0 || trouble?.container === name
    ).map((each) => observedContainer(pod, state, each, facts.nowMs)),
    ...(state.status ? { previous: state.status } : {}),
  };
}

function observedContainer(
  pod: CompletePod,
  state: PodState,
  each: PodContainer,
  nowMs: number,
): ObservedContainer {
  const memory = memoryOf(state, each.container.name);
  const running = memory.state.at === "running";
  const done = memory.state.at === "terminated" && memory.state.exitCode === 0;
  return {
    name: each.container.name,
    ...shownState(pod, state, each, memory, nowMs),
    restartCount: memory.restartCount,
    started: running,
    ready: each.role === "init" ? done : running,
  };
}

/** Between two attempts a container waits in CrashLoopBackOff, and its end is the last state. */
function shownState(
  pod: CompletePod,
  state: PodState,
  each: PodContainer,
  memory: ContainerMemory,
  nowMs: number,
): Pick<ObservedContainer, "state" | "lastState"> {
  const last = memory.lastState ? { lastState: memory.lastState } : {};
  const { trouble } = state;
  if (trouble?.container === each.container.name && memory.state.at !== "running") {
    const ended = memory.state.at === "terminated" ? { lastState: memory.state } : last;
    return { state: { at: "waiting", reason: trouble.reason, message: trouble.message }, ...ended };
  }
  if (memory.state.at !== "terminated") return { state: memory.state, ...last };
  const waits = nowMs < restartAtMs(memory) && mayRestart(pod, each, memory.state.exitCode) &&
    !state.failure &&
    !state.deletion && state.sandbox.at !== "ended";
  if (!waits) return { state: memory.state, ...last };
  const seconds = Math.round((restartAtMs(memory) - memory.state.finishedMs) / 1000);
  const message =
    `back-off ${seconds}s restarting failed container=${each.container.name} pod=${pod.metadata.name}`;
  return { state: { at: "waiting", reason: "CrashLoopBackOff", message }, lastState: memory.state };
}
