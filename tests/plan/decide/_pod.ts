import { strictEqual } from "node:assert/strict";
import type { Container, PodSpec } from "../../../schema/kubernetes/mod.ts";
import {
  type Action,
  type CompletePod,
  type ContainerMemory,
  newPodState,
  planPod,
  type PodPlan,
  type PodState,
  type TerminatedState,
} from "../../../runner/plan/mod.ts";

/** The time at which every pod of these tests was taken on. */
export const T0 = 1_000_000_000_000;

/** What a test says of a pod: names alone are plain containers, `*` before a name makes a sidecar. */
export interface PodGiven extends Partial<Omit<PodSpec, "containers" | "initContainers">> {
  readonly init?: readonly string[];
  readonly main?: readonly string[];
}

export function podOf({ init = [], main = ["a"], ...spec }: PodGiven): CompletePod {
  const container = (name: string): Container =>
    name.startsWith("*")
      ? { name: name.slice(1), image: "host", restartPolicy: "Always" }
      : { name, image: "host" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec: {
      terminationGracePeriodSeconds: 30,
      ...spec,
      ...(init.length > 0 ? { initContainers: init.map(container) } : {}),
      containers: main.map(container),
    },
  };
}

type Memory = Partial<Omit<ContainerMemory, "state">>;

/** A container that runs since `startedMs`. */
export function running(startedMs: number, memory: Memory = {}): ContainerMemory {
  return {
    attempt: 0,
    restartCount: memory.attempt ?? 0,
    quickEnds: 0,
    oomKills: 0,
    ...memory,
    state: { at: "running", startedMs },
  };
}

/** A container whose first process was asked for and does not run yet. */
export function starting(memory: Memory = {}): ContainerMemory {
  return { ...running(0, memory), state: { at: "waiting", reason: "ContainerCreating" } };
}

/** A container whose attempt ended one second after it began. */
export function ended(exitCode: number, finishedMs: number, memory: Memory = {}): ContainerMemory {
  const state: TerminatedState = {
    at: "terminated",
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    startedMs: finishedMs - 1000,
    finishedMs,
  };
  return { ...running(0, { quickEnds: 1, ...memory }), state };
}

export interface StateGiven extends Partial<Omit<PodState, "containers" | "sandbox">> {
  readonly sandbox?: "absent" | "ready" | "ended";
  readonly containers?: Record<string, ContainerMemory>;
}

/** The state of a pod whose sandbox stands, unless it says otherwise. */
export function stateOf({ sandbox = "ready", ...given }: StateGiven): PodState {
  return {
    ...newPodState("uid-1", T0),
    ...given,
    sandbox: sandbox === "ready" ? { at: "ready", pid: 7, startTicks: 70 } : { at: sandbox },
  };
}

function actionText(action: Action): string {
  switch (action.do) {
    case "start-container":
      return `start ${action.name}#${action.attempt}`;
    case "stop-container":
      return `stop ${action.name}`;
    case "kill-container":
      return `kill ${action.name}`;
    case "fail-pod":
      return `fail ${action.reason}`;
    default:
      return action.do;
  }
}

/** A plan on one line, such as `stop a, stop b, wake 30000`; times are counted from {@linkcode T0}. */
export function planText({ actions, wakeAtMs }: PodPlan): string {
  const wake = wakeAtMs === undefined ? [] : [`wake ${wakeAtMs - T0}`];
  return [...actions.map(actionText), ...wake].join(", ");
}

/** One decision, as data. */
export interface PlanRow {
  /** Completes `planPod() …`. */
  readonly it: string;
  readonly pod?: PodGiven;
  readonly state?: StateGiven;
  /** Milliseconds after T0. */
  readonly at?: number;
  readonly plan: string;
}

/** Makes a test of each row. */
export function checkPlans(rows: readonly PlanRow[]): void {
  for (const { it, pod = {}, state = {}, at = 0, plan } of rows) {
    Deno.test(`planPod() ${it}`, () => {
      strictEqual(planText(planPod(podOf(pod), stateOf(state), T0 + at)), plan);
    });
  }
}
