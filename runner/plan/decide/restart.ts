import type { CompletePod } from "../start/mod.ts";
import type { ContainerMemory, PodContainer } from "./pod_state.ts";

/** Kubernetes' CrashLoopBackOff: the first restart is at once, then 10 s, doubling to five minutes. */
const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 300_000;

/** Whether the restart policy lets a container that ended with this code start again. */
export function mayRestart(pod: CompletePod, each: PodContainer, exitCode: number): boolean {
  if (each.role === "sidecar") return true;
  if (each.role === "init" && exitCode === 0) return false;
  switch (pod.spec.restartPolicy ?? "Always") {
    case "Always":
      return true;
    case "OnFailure":
      return exitCode !== 0;
    case "Never":
      return false;
  }
}

/** How long a container waits after an end, in milliseconds, for the n-th quick end in a row. */
export function backoffMs(quickEnds: number): number {
  return quickEnds <= 1 ? 0 : Math.min(FIRST_BACKOFF_MS * 2 ** (quickEnds - 2), MAX_BACKOFF_MS);
}

/** When a container that ended may start again, Unix milliseconds; 0 for one that never ran. */
export function restartAtMs(memory: ContainerMemory): number {
  return memory.state.at === "terminated" ? memory.state.finishedMs + backoffMs(memory.quickEnds) : 0;
}

/** When the next attempt may be begun: after the back-off, and after the pause that a failure to prepare it makes. */
export function nextAttemptAtMs(memory: ContainerMemory): number {
  const { trouble } = memory;
  return Math.max(restartAtMs(memory), trouble ? retryAtMs(trouble.count, trouble.lastMs) : 0);
}

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

/** When something that failed on the way to a running pod is tried again. */
export function retryAtMs(count: number, lastMs: number): number {
  return lastMs + Math.min(FIRST_RETRY_MS * 2 ** (count - 1), MAX_RETRY_MS);
}
