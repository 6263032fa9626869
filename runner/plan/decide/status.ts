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
    startedMs: state.startedMs,
    nowMs: facts.nowMs,
    sandboxReady: state.sandbox.at === "ready",
    qosClass: qosClass(pod.spec),
    ...hostIP,
    ...(pod.spec.hostNetwork && facts.hostIP ? { podIPs: [facts.hostIP] } : {}),
    nodeName: facts.nodeName,
    ...(state.failure ? { failure: state.failure } : {}),
    ...(trouble ? { waiting: trouble } : {}),
    ...(state.deletion
      ? {
        deletion: {
          deadlineMs: state.deletion.requestedMs + state.deletion.graceSeconds * 1000,
          graceSeconds: state.deletion.graceSeconds,
        },
      }
      : {}),
    ...(hasFinished(pod, state) ? { terminal: true } : {}),
    containers: podContainers(pod).filter(({ container: { name } }) => Object.hasOwn(state.containers, name))
      .map((each) => observedContainer(pod, state, each, facts.nowMs)),
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
  if (memory.trouble && memory.state.at !== "running") {
    const { reason, message } = memory.trouble;
    const ended = memory.state.at === "terminated" ? { lastState: memory.state } : last;
    return { state: { at: "waiting", reason, message }, ...ended };
  }
  if (memory.state.at !== "terminated") return { state: memory.state, ...last };
  const over = state.failure || state.deletion || hasFinished(pod, state);
  const waits = nowMs < restartAtMs(memory) && mayRestart(pod, each, memory.state.exitCode);
  if (over || !waits) return { state: memory.state, ...last };
  const { name, namespace } = pod.metadata;
  const message = `back-off ${goDuration(restartAtMs(memory) - memory.state.finishedMs)} restarting failed ` +
    `container=${each.container.name} pod=${name}_${namespace}(${state.uid})`;
  return { state: { at: "waiting", reason: "CrashLoopBackOff", message }, lastState: memory.state };
}

/** Whole seconds as Go writes them, such as `1m20s`. */
function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
