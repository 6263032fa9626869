import type { CompletePod } from "../start/mod.ts";
import { planPod } from "./plan_pod.ts";
import type { PodState } from "./pod_state.ts";
import { sandboxReady } from "./transitions.ts";

/** An attempt of a container. */
export interface Attempt {
  readonly name: string;
  readonly attempt: number;
}

/**
 * The attempt that will be asked for as soon as the pod's sandbox stands, so that it can be prepared meanwhile. The ones
 * after it are prepared while its child runs.
 */
export function firstStart(pod: CompletePod, state: PodState, nowMs: number): Attempt | undefined {
  const { actions } = planPod(pod, sandboxReady(state, 0, 0), nowMs);
  return actions.find((action) => action.do === "start-container");
}
