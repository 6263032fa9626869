import type { Container, ContainerStatus, PodSpec, PodStatus } from "../../schema/kubernetes/mod.ts";

/** What the phase depends on besides the containers. */
export interface PhaseFacts {
  /** Nothing will be started again, whatever the restart policy. */
  readonly ended: boolean;
  /** The pod was initialized before, so that a sidecar that restarts does not make it Pending again. */
  readonly initialized: boolean;
}

/** How many containers stand where. */
interface Tally {
  running: number;
  waiting: number;
  stopped: number;
  succeeded: number;
  unknown: number;
}

/** Whether an init container is a sidecar: it runs beside the containers and is restarted on its own. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

const failed = (status: ContainerStatus): boolean =>
  (status.state?.terminated ?? (status.state?.waiting && status.lastState?.terminated))?.exitCode !== 0;

/** Whether the init containers that must end have ended well, failed, or are still on their way. */
function initProgress(containers: readonly Container[], statuses: ReadonlyMap<string, ContainerStatus>) {
  const progress = { pending: 0, failed: 0 };
  for (const container of containers.filter((container) => !isSidecar(container))) {
    const status = statuses.get(container.name);
    const hasEnded = status?.state?.terminated ?? (status?.state?.waiting && status.lastState?.terminated);
    if (!status || !hasEnded) progress.pending++;
    else if (failed(status)) progress.failed++;
  }
  return progress;
}

/** Counts sidecars into the tally; gives how many have not started. */
function tallySidecars(
  containers: readonly Container[],
  statuses: ReadonlyMap<string, ContainerStatus>,
  tally: Tally,
): number {
  let pending = 0;
  for (const container of containers.filter(isSidecar)) {
    const status = statuses.get(container.name);
    if (status?.state?.running) {
      if (!status.started) pending++;
      tally.running++;
    } else if (status?.state?.waiting && !status.lastState?.terminated) {
      pending++;
      tally.waiting++;
    } else if (!status?.state?.terminated && !status?.state?.waiting) {
      pending++;
      tally.unknown++;
    }
  }
  return pending;
}

function tallyContainers(
  containers: readonly Container[],
  statuses: ReadonlyMap<string, ContainerStatus>,
  tally: Tally,
): void {
  for (const { name } of containers) {
    const status = statuses.get(name);
    if (status?.state?.running) tally.running++;
    else if (status?.state?.terminated) {
      tally.stopped++;
      if (!failed(status)) tally.succeeded++;
    } else if (status?.state?.waiting) {
      if (status.lastState?.terminated) tally.stopped++;
      else tally.waiting++;
    } else tally.unknown++;
  }
}

/**
 * The phase of a pod by kubelet's rules, see
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase.
 */
export function podPhase(
  spec: PodSpec,
  statuses: readonly ContainerStatus[],
  facts: PhaseFacts,
): NonNullable<PodStatus["phase"]> {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const initContainers = spec.initContainers ?? [];
  const init = initProgress(initContainers, byName);
  const tally: Tally = { running: 0, waiting: 0, stopped: 0, succeeded: 0, unknown: 0 };
  const pendingSidecars = tallySidecars(initContainers, byName, tally);
  tallyContainers(spec.containers, byName, tally);
  const policy = spec.restartPolicy ?? "Always";

  if (init.failed > 0 && (policy === "Never" || facts.ended)) return "Failed";
  if (init.pending > 0 || (pendingSidecars > 0 && !facts.initialized) || tally.waiting > 0) return "Pending";
  if (tally.unknown > 0 || tally.running + tally.stopped === 0) return "Pending";
  if (tally.running > 0) return "Running";
  const allSucceeded = tally.stopped === tally.succeeded;
  if (!facts.ended && policy === "Always") return "Running";
  if (allSucceeded) return "Succeeded";
  return facts.ended || policy === "Never" ? "Failed" : "Running";
}
