import { type Machine, Supervisor } from "../../engine/mod.ts";
import { messageOf } from "../../base/mod.ts";
import { hasFinished, podContainers, type PodState } from "../../plan/mod.ts";
import { type DesiredPod, mergeLogs, podPlaces, type PodRecord, requestDeletion } from "../../state/mod.ts";
import type { Io } from "../io.ts";
import { logPrefix, logPrefixWidth, renderLogLines } from "../view/mod.ts";

/** A shell's exit statuses for the signals that stop the pods. */
const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Starts the pods, shows what they write, and stays until they have ended or Ctrl-C; then removes them. */
export async function upAttached(machine: Machine, records: readonly PodRecord[], io: Io): Promise<number> {
  if (records.length === 0) return 0;
  return await new AttachedPods(machine, records, io).run();
}

/** One pod that is watched. */
class AttachedPod {
  readonly desired: DesiredPod;
  /** Aborted when nothing more will be written. */
  readonly logsEnd = new AbortController();
  /** Resolves when all that was written has been shown. */
  shown: Promise<void> = Promise.resolve();
  /** The trouble that was told last. */
  told = "";
  gone = false;

  constructor(desired: DesiredPod) {
    this.desired = desired;
  }
}

class AttachedPods {
  readonly #machine: Machine;
  readonly #io: Io;
  readonly #pods: ReadonlyMap<string, AttachedPod>;
  readonly #removed = Promise.withResolvers<void>();
  /** The exit status that a signal asks for. */
  #interrupted: number | undefined;
  #worst = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(machine: Machine, records: readonly PodRecord[], io: Io) {
    this.#machine = machine;
    this.#io = io;
    this.#pods = new Map(records.map(({ desired }) => [desired.uid, new AttachedPod(desired)]));
  }

  async run(): Promise<number> {
    const supervisor = new Supervisor(this.#machine, {
      changed: ({ uid }, state) => this.#changed(this.#pods.get(uid)!, state),
      fault: (desired, error) => this.#note(desired, messageOf(error)),
    });
    using _signals = this.#listenToSignals();
    const width = logPrefixWidth(
      [...this.#pods.values()].flatMap(({ desired }) => containerNames(desired).map((name) => name.full)),
    );
    for (const pod of this.#pods.values()) {
      pod.shown = this.#show(pod, width).catch((error) => this.#failed(error));
      supervisor.follow(pod.desired);
    }
    await this.#removed.promise;
    await Promise.all([...this.#pods.values()].map(({ shown }) => shown));
    await supervisor.close();
    if (this.#failure) throw this.#failure.error;
    return this.#interrupted ?? this.#worst;
  }

  #listenToSignals(): Disposable {
    const listeners = new DisposableStack();
    for (const [signal, status] of Object.entries(STOP_SIGNALS) as [keyof typeof STOP_SIGNALS, number][]) {
      const listener = (): void => this.#interrupt(status);
      Deno.addSignalListener(signal, listener);
      listeners.defer(() => Deno.removeSignalListener(signal, listener));
    }
    return listeners;
  }

  /** The first time gracefully, the second at once. */
  #interrupt(status: number): void {
    if (this.#interrupted !== undefined) return this.#removeAll(0);
    this.#interrupted = status;
    this.#io.note("Stopping; press Ctrl-C again to kill\n");
    this.#removeAll();
  }

  /** What is shown cannot be shown any more: the pods go, as with Ctrl-C. */
  #failed(error: unknown): void {
    this.#failure ??= { error };
    this.#removeAll();
  }

  #removeAll(graceSeconds?: number): void {
    for (const pod of this.#pods.values()) this.#remove(pod, graceSeconds);
  }

  #remove({ desired, gone }: AttachedPod, graceSeconds?: number): void {
    if (gone) return;
    const grace = graceSeconds ?? desired.pod.spec.terminationGracePeriodSeconds ?? 30;
    requestDeletion(this.#machine.root, desired.uid, { requestedMs: Date.now(), graceSeconds: grace });
  }

  #changed(pod: AttachedPod, state: PodState | undefined): void {
    if (!state) {
      pod.gone = true;
      pod.logsEnd.abort();
      if ([...this.#pods.values()].every(({ gone }) => gone)) this.#removed.resolve();
      return;
    }
    this.#tellTrouble(pod, state);
    if (state.sandbox.at !== "ended" || state.deletion || pod.logsEnd.signal.aborted) return;
    this.#worst = Math.max(this.#worst, exitStatusOf(pod.desired, state));
    pod.logsEnd.abort();
    // logs are removed with the pod: they are shown before
    void pod.shown.then(() => this.#remove(pod, 0));
  }

  /** What keeps a pod from running is said once, until it is something else. */
  #tellTrouble(pod: AttachedPod, state: PodState): void {
    const text = troubleOf(state);
    if (text === undefined || pod.told === text) return;
    pod.told = text;
    this.#note(pod.desired, text);
  }

  #note({ pod }: DesiredPod, text: string): void {
    this.#io.note(`pod "${pod.metadata.name}": ${text}\n`);
  }

  async #show({ desired, logsEnd: { signal } }: AttachedPod, width: number): Promise<void> {
    const { logs } = podPlaces(this.#machine.root, desired.uid, desired.pod);
    const { name: podName } = desired.pod.metadata;
    const prefix = (name: string): string => logPrefix(podName, name, { color: this.#io.color, width });
    const sources = containerNames(desired).map(({ name }) =>
      [name, { directory: `${logs}/${name}`, attempt: 0, follow: { restarts: true, signal } }] as const
    );
    for await (const batch of mergeLogs(sources)) await this.#io.stdout(renderLogLines(batch, prefix, false));
  }
}

function containerNames({ pod }: DesiredPod): { name: string; full: string }[] {
  return podContainers(pod).map(({ container: { name } }) => ({
    name,
    full: `${pod.metadata.name}/${name}`,
  }));
}

function troubleOf({ failure, trouble, containers }: PodState): string | undefined {
  const ofContainers = Object.values(containers).flatMap(({ state, trouble }) =>
    trouble?.message ??
      (state.at === "terminated" && state.reason === "StartError" ? state.message ?? [] : [])
  );
  return failure?.message ?? trouble?.message ?? ofContainers[0];
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
