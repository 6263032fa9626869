import { type Machine, Supervisor } from "../../engine/mod.ts";
import { messageOf } from "../../base/mod.ts";
import { hasFinished, podContainers, type PodState } from "../../plan/mod.ts";
import { type DesiredPod, mergeLogs, podPlaces, type PodRecord, requestDeletion } from "../../state/mod.ts";
import type { Io } from "../io.ts";
import { logPrefix, logPrefixWidth, renderLogLines } from "../view/mod.ts";

/** The exit status of a shell for a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

/** Starts the pods, shows what they write, and stays until they have ended or Ctrl-C; then removes them. */
export async function upAttached(machine: Machine, records: readonly PodRecord[], io: Io): Promise<number> {
  if (records.length === 0) return 0;
  return await new AttachedPods(machine, records, io).run();
}

class AttachedPods {
  readonly #machine: Machine;
  readonly #records: readonly PodRecord[];
  readonly #io: Io;
  readonly #states = new Map<string, PodState>();
  readonly #gone = new Set<string>();
  readonly #told = new Map<string, string>();
  readonly #logsOver = new Set<string>();
  readonly #removed = Promise.withResolvers<void>();
  readonly #abort = new AbortController();
  #interrupts = 0;
  #worst = 0;

  constructor(machine: Machine, records: readonly PodRecord[], io: Io) {
    this.#machine = machine;
    this.#records = records;
    this.#io = io;
  }

  async run(): Promise<number> {
    const supervisor = new Supervisor(this.#machine, {
      changed: (desired, state) => this.#changed(desired, state),
      fault: (desired, error) =>
        void this.#io.stderr(`pod "${desired.pod.metadata.name}": ${messageOf(error)}\n`),
    });
    const interrupt = (): void => this.#interrupt();
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
    const logs = this.#showLogs();
    for (const { desired } of this.#records) supervisor.follow(desired);
    await this.#removed.promise;
    await logs;
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, interrupt);
    await supervisor.close();
    return this.#interrupts > 0 ? INTERRUPTED : this.#worst;
  }

  /** The first time gracefully, the second at once. */
  #interrupt(): void {
    this.#interrupts++;
    if (this.#interrupts === 1) void this.#io.stderr("Stopping; press Ctrl-C again to kill\n");
    for (const { desired } of this.#records) {
      this.#remove(desired, this.#interrupts > 1 ? 0 : desired.pod.spec.terminationGracePeriodSeconds ?? 30);
    }
  }

  #remove(desired: DesiredPod, graceSeconds: number): void {
    if (this.#gone.has(desired.uid)) return;
    requestDeletion(this.#machine.root, desired.uid, { requestedMs: Date.now(), graceSeconds });
  }

  #changed(desired: DesiredPod, state: PodState | undefined): void {
    if (!state) {
      this.#gone.add(desired.uid);
      if (this.#gone.size === this.#records.length) this.#removed.resolve();
      return;
    }
    this.#states.set(desired.uid, state);
    this.#tellTrouble(desired, state);
    if (state.sandbox.at !== "ended" || state.deletion) return;
    this.#worst = Math.max(this.#worst, exitStatusOf(desired, state));
    void this.#whenShown(desired).then(() => this.#remove(desired, 0));
  }

  /** What keeps a pod from running is said once, until it is something else. */
  #tellTrouble(desired: DesiredPod, state: PodState): void {
    const { name } = desired.pod.metadata;
    const starts = Object.values(state.containers).flatMap(({ state: each }) =>
      each.at === "terminated" && each.reason === "StartError" ? [each.message ?? ""] : []
    );
    const text = state.failure?.message ?? state.trouble?.message ?? starts[0];
    if (text === undefined || this.#told.get(desired.uid) === text) return;
    this.#told.set(desired.uid, text);
    void this.#io.stderr(`pod "${name}": ${text}\n`);
  }

  /** Logs are removed with the pod: what the containers wrote is shown before. */
  async #whenShown(desired: DesiredPod): Promise<void> {
    this.#logsOver.add(desired.uid);
    while (!this.#shown.has(desired.uid) && !this.#gone.has(desired.uid)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  readonly #shown = new Set<string>();

  async #showLogs(): Promise<void> {
    const all = this.#records.flatMap(({ desired }) =>
      podContainers(desired.pod).map(({ container }) => ({ desired, name: container.name }))
    );
    const width = logPrefixWidth(all.map(({ desired, name }) => `${desired.pod.metadata.name}/${name}`));
    await Promise.all(this.#records.map(async ({ desired }) => {
      await this.#showPod(desired, width);
      this.#shown.add(desired.uid);
    }));
  }

  async #showPod(desired: DesiredPod, width: number): Promise<void> {
    const { logs } = podPlaces(this.#machine.root, desired.uid, desired.pod);
    const isOver = (): boolean => this.#logsOver.has(desired.uid) || this.#gone.has(desired.uid);
    const sources = podContainers(desired.pod).map(({ container }) =>
      [
        container.name,
        {
          directory: `${logs}/${container.name}`,
          attempt: 0,
          follow: { restarts: true as const, isOver, signal: this.#abort.signal },
        },
      ] as const
    );
    const prefix = (name: string): string =>
      logPrefix(desired.pod.metadata.name, name, { color: this.#io.color, width });
    for await (const batch of mergeLogs(sources)) await this.#io.stdout(renderLogLines(batch, prefix, false));
  }
}

/** The worst exit code of the pod's containers; 1 for a pod that was ended as a whole. */
function exitStatusOf(desired: DesiredPod, state: PodState): number {
  if (state.failure) return 1;
  if (!hasFinished(desired.pod, state)) return 0;
  const codes = Object.values(state.containers).map(({ state: each }) =>
    each.at === "terminated" ? each.exitCode : 0
  );
  return Math.max(0, ...codes);
}
