import { type Machine, Supervisor } from "../../engine/mod.ts";
import { messageOf } from "../../base/mod.ts";
import { podObject, type PodState } from "../../plan/mod.ts";
import type { DesiredPod, PodRecord } from "../../state/mod.ts";
import type { Pod } from "../../../schema/mod.ts";
import type { Io } from "../io.ts";
import { ensureDaemon } from "./daemon.ts";

/** Whether a pod has come as far as `up --detach` waits for. */
type Outcome = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly text: string };

/** Leaves the pods to a daemon and waits until each runs or has completed, or until one cannot. */
export async function upDetached(
  machine: Machine,
  records: readonly PodRecord[],
  timeoutMs: number,
  io: Io,
): Promise<number> {
  ensureDaemon(machine.root);
  const outcomes = new Map<string, Outcome>();
  const states = new Map<string, PodState>();
  const done = Promise.withResolvers<void>();
  const watcher = new Watcher(machine, io, (desired, state) => {
    if (state) states.set(desired.uid, state);
    const outcome = state
      ? outcomeOf(machine, desired, state)
      : { ok: false as const, text: "was removed meanwhile" };
    if (!outcome || outcomes.has(desired.uid)) return;
    outcomes.set(desired.uid, outcome);
    if (!outcome.ok || outcomes.size === records.length) done.resolve();
  });
  for (const { desired } of records) watcher.follow(desired);
  const timer = setTimeout(() => done.resolve(), timeoutMs);
  if (records.length > 0) await done.promise;
  clearTimeout(timer);
  await watcher.close();
  return await report(machine, records, outcomes, states, timeoutMs, io);
}

async function report(
  machine: Machine,
  records: readonly PodRecord[],
  outcomes: ReadonlyMap<string, Outcome>,
  states: ReadonlyMap<string, PodState>,
  timeoutMs: number,
  io: Io,
): Promise<number> {
  let failed = false;
  for (const { desired } of records) {
    const outcome = outcomes.get(desired.uid);
    const name = desired.pod.metadata.name;
    if (outcome?.ok) {
      await io.stdout(`pod "${name}" ${outcome.text}\n`);
      continue;
    }
    failed = true;
    const state = states.get(desired.uid);
    const late = `is not running after ${timeoutMs / 1000} s: ${
      state ? reasonOf(statusOf(machine, desired, state)) : "nobody started it"
    }`;
    await io.stderr(`error: Cannot start pod "${name}": it ${outcome?.text ?? late}\n`);
  }
  return failed ? 1 : 0;
}

function statusOf(machine: Machine, desired: DesiredPod, state: PodState): Pod {
  return podObject(desired.pod, state, { nowMs: Date.now(), nodeName: machine.facts.hostname });
}

function reasonOf(pod: Pod): string {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name, state } of statuses) {
    const { reason, message } = state?.waiting ?? {};
    if (reason && reason !== "PodInitializing") return `container "${name}" waits: ${message ?? reason}`;
  }
  return `its phase is ${pod.status?.phase}`;
}

/** What is known for good; undefined while the pod is on its way. */
function outcomeOf(machine: Machine, desired: DesiredPod, state: PodState): Outcome | undefined {
  const pod = statusOf(machine, desired, state);
  const trouble = state.trouble ?? Object.values(state.containers).find((each) => each.trouble)?.trouble;
  if (trouble) return { ok: false, text: `cannot be started: ${trouble.message}` };
  if (state.failure) return { ok: false, text: `failed: ${state.failure.reason}: ${state.failure.message}` };
  for (const [name, { state: container }] of Object.entries(state.containers)) {
    if (container.at !== "terminated" || container.exitCode === 0) continue;
    const message = container.message ? `: ${container.message}` : "";
    return {
      ok: false,
      text: `failed: container "${name}" ended with ${container.exitCode} (${container.reason})${message}`,
    };
  }
  if (pod.status?.phase === "Succeeded") return { ok: true, text: "completed" };
  const statuses = pod.status?.containerStatuses ?? [];
  const settled = statuses.length > 0 &&
    statuses.every((each) => each.state?.running || each.state?.terminated);
  return settled && pod.status?.phase === "Running" ? { ok: true, text: "running" } : undefined;
}

/** Follows records without ever taking a pod over. */
class Watcher {
  readonly #supervisor: Supervisor;

  constructor(machine: Machine, io: Io, changed: (desired: DesiredPod, state: PodState | undefined) => void) {
    this.#supervisor = new Supervisor(machine, {
      changed,
      fault: (desired, error) => void io.stderr(`pod "${desired.pod.metadata.name}": ${messageOf(error)}\n`),
    }, { observeOnly: true });
  }

  follow(desired: DesiredPod): void {
    this.#supervisor.follow(desired);
  }

  async close(): Promise<void> {
    await this.#supervisor.close();
  }
}
