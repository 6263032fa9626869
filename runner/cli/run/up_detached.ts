import { type Machine, Supervisor } from "../../engine/mod.ts";
import { messageOf, UP_SETTLE_MS } from "../../base/mod.ts";
import { podObject, type PodState } from "../../plan/mod.ts";
import type { DesiredPod, PodRecord } from "../../state/mod.ts";
import type { Pod } from "../../../schema/mod.ts";
import type { Io } from "../io.ts";
import { ensureDaemon } from "./daemon.ts";

/** Whether a pod has come as far as `up --detach` waits for. */
type Outcome = { readonly ok: boolean; readonly text: string };

const REMOVED: Outcome = { ok: false, text: "was removed meanwhile" };

/** Leaves the pods to a daemon and waits until each runs or has completed, or until one cannot. */
export async function upDetached(
  machine: Machine,
  records: readonly PodRecord[],
  timeoutMs: number,
  io: Io,
): Promise<number> {
  ensureDaemon(machine.root);
  const pods = new StartingPods(machine, records.length);
  const supervisor = new Supervisor(machine, {
    changed: (desired, state) => pods.changed(desired, state),
    fault: (desired, error) => io.note(`pod "${desired.pod.metadata.name}": ${messageOf(error)}\n`),
  }, { observeOnly: true });
  for (const { desired } of records) supervisor.follow(desired);
  const isLate = await pods.settled(timeoutMs);
  await supervisor.close();
  const verdicts = records.map(({ desired }) => pods.verdict(desired, isLate ? timeoutMs : undefined));
  for (const { ok, line } of verdicts) await (ok ? io.stdout(line) : io.stderr(line));
  return verdicts.every(({ ok }) => ok) ? 0 : 1;
}

/** What is known of the pods while they start. */
class StartingPods {
  readonly #machine: Machine;
  readonly #count: number;
  readonly #outcomes = new Map<string, Outcome>();
  readonly #states = new Map<string, PodState>();
  readonly #failed = Promise.withResolvers<void>();
  readonly #allWell = Promise.withResolvers<void>();

  constructor(machine: Machine, count: number) {
    this.#machine = machine;
    this.#count = count;
    if (count === 0) this.#allWell.resolve();
  }

  changed(desired: DesiredPod, state: PodState | undefined): void {
    const outcome = state ? outcomeOf(this.#machine, desired, state) : REMOVED;
    if (state) this.#states.set(desired.uid, state);
    if (outcome) this.#outcomes.set(desired.uid, outcome);
    if (outcome?.ok === false) this.#failed.resolve();
    const isWell = outcome && [...this.#outcomes.values()].every(({ ok }) => ok);
    if (isWell && this.#outcomes.size === this.#count) this.#allWell.resolve();
  }

  /** Resolves when all run well or one has failed; gives whether the time was up before. */
  async settled(timeoutMs: number): Promise<boolean> {
    if (await timeIsUp(timeoutMs, this.#failed.promise, this.#allWell.promise)) return true;
    // a command that fails at once runs for an instant, too
    if (this.#count > 0) await timeIsUp(UP_SETTLE_MS, this.#failed.promise);
    return false;
  }

  /** What to say of a pod; `timeoutMs` when it is the time that is up. */
  verdict(desired: DesiredPod, timeoutMs: number | undefined): { ok: boolean; line: string } {
    const outcome = this.#outcomes.get(desired.uid);
    const { name } = desired.pod.metadata;
    if (outcome?.ok) return { ok: true, line: `pod "${name}" ${outcome.text}\n` };
    if (outcome) return { ok: false, line: `error: Cannot start pod "${name}": it ${outcome.text}\n` };
    const state = this.#states.get(desired.uid);
    const reason = state ? reasonOf(statusOf(this.#machine, desired, state)) : "nobody started it";
    const line = timeoutMs === undefined
      ? `pod "${name}" is still starting: ${reason}\n`
      : `error: Cannot start pod "${name}": it is not running after ${timeoutMs / 1000} s: ${reason}\n`;
    return { ok: false, line };
  }
}

/** Waits for any of the events, at most so long; gives whether none came. */
async function timeIsUp(timeoutMs: number, ...events: Promise<void>[]): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, timeoutMs, true);
  for (const event of events) event.then(() => resolve(false));
  const isUp = await promise;
  clearTimeout(timer);
  return isUp;
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
  if (state.deletion) return REMOVED;
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
