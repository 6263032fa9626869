import type { CompletePod } from "../start/mod.ts";
import { planPod } from "./plan_pod.ts";
import type { PodState } from "./pod_state.ts";
import { sandboxReady } from "./transitions.ts";

/** An attempt of a container. */
export interface Attempt {
  readonly name: string;
  readonly attempt: number;
}

/** The attempts that will be asked for as soon as the pod's sandbox stands, so that they can be prepared meanwhile. */
export function firstStarts(pod: CompletePod, state: PodState, nowMs: number): Attempt[] {
  const { actions } = planPod(pod, sandboxReady(state, 0, 0), nowMs);
  return actions.flatMap((action) =>
    action.do === "start-container" ? [{ name: action.name, attempt: action.attempt }] : []
  );
}
