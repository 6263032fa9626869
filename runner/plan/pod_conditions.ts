import type { ContainerStatus, PodCondition, PodSpec, PodStatus } from "../../schema/kubernetes/mod.ts";
import { isSidecar } from "./pod_phase.ts";

/** What the conditions of a pod follow from. */
export interface ConditionFacts {
  readonly spec: PodSpec;
  readonly phase: NonNullable<PodStatus["phase"]>;
  readonly statuses: readonly ContainerStatus[];
  readonly initStatuses: readonly ContainerStatus[];
  readonly sandboxReady: boolean;
  /** The conditions before: one whose status stays keeps its time. */
  readonly previous: readonly PodCondition[];
  /** The time of what changes now, as Kubernetes writes it. */
  readonly now: string;
}

type Verdict = Pick<PodCondition, "status" | "reason" | "message">;

const TRUE: Verdict = { status: "True" };

const no = (reason: string, message?: string): Verdict => ({
  status: "False",
  reason,
  ...(message !== undefined && { message }),
});

function initialized({ spec, phase, statuses, initStatuses }: ConditionFacts): Verdict {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const hasStarted = (status: ContainerStatus): boolean =>
    status.state?.running !== undefined || status.state?.terminated !== undefined ||
    status.lastState?.terminated !== undefined;
  if (statuses.some(hasStarted)) return TRUE;
  const incomplete = initStatuses
    .filter((status) => sidecars.has(status.name) ? !status.started : !status.ready)
    .map(({ name }) => name);
  if (incomplete.length === 0) return TRUE;
  return no("ContainersNotInitialized", `containers with incomplete status: [${incomplete.join(" ")}]`);
}

function containersReady({ spec, phase, statuses, initStatuses }: ConditionFacts): Verdict {
  if (phase === "Succeeded") return no("PodCompleted");
  if (phase === "Failed") return no("PodFailed");
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const unready = [...initStatuses.filter(({ name }) => sidecars.has(name)), ...statuses]
    .filter(({ ready }) => !ready)
    .map(({ name }) => name);
  if (unready.length === 0) return TRUE;
  return no("ContainersNotReady", `containers with unready status: [${unready.join(" ")}]`);
}

function ready(facts: ConditionFacts, containers: Verdict): Verdict {
  if (containers.status !== "True") return containers;
  const gates = (facts.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = facts.previous.find(({ type }) => type === conditionType);
    if (!condition) {
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    }
    if (condition.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  return gates.length === 0 ? TRUE : no("ReadinessGatesNotReady", gates.join(", "));
}

/** The conditions that kubelet keeps, in the order it lists them; conditions of others in `previous` stay. */
export function podConditions(facts: ConditionFacts): PodCondition[] {
  const ofContainers = containersReady(facts);
  const verdicts: Record<string, Verdict> = {
    PodReadyToStartContainers: facts.sandboxReady ? TRUE : { status: "False" },
    Initialized: initialized(facts),
    Ready: ready(facts, ofContainers),
    ContainersReady: ofContainers,
    PodScheduled: TRUE,
  };
  const own = Object.entries(verdicts).map(([type, verdict]): PodCondition => {
    const before = facts.previous.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === verdict.status && before.lastTransitionTime || facts.now;
    return { lastTransitionTime, ...verdict, type };
  });
  return [...own, ...facts.previous.filter(({ type }) => !(type in verdicts))];
}
