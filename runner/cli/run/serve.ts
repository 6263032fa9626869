import { type Machine, Supervisor } from "../../engine/mod.ts";
import { DAEMON_IDLE_MS, DAEMON_LIST_INTERVAL_MS, messageOf, SeedpodError } from "../../base/mod.ts";
import { type PodState } from "../../plan/mod.ts";
import {
  acceptLockPath,
  readIfThere,
  readRecords,
  tryLock,
  withLock,
  writeAtomically,
} from "../../state/mod.ts";
import type { OwnedFd } from "../../sys/mod.ts";
import type { Io } from "../io.ts";
import { daemonLockPath, DETACHED_VARIABLE } from "./daemon.ts";

/**
 * Keeps every pod of the root running until it is told to stop; the pods stay. Left behind by `up --detach` it also leaves
 * by itself when no pod has anything left to be done.
 */
export async function serve(machine: Machine, io: Io): Promise<number> {
  const { root } = machine;
  const pidFile = `${root.run}/daemon.pid`;
  using lock = tryLock(daemonLockPath(root));
  if (!lock) {
    throw new SeedpodError(
      `Cannot serve "${root.run}": process ${readIfThere(pidFile)?.trim() ?? "?"} does already`,
      { fault: "user" },
    );
  }
  writeAtomically(pidFile, `${Deno.pid}\n`);
  const daemon = new Daemon(machine, io);
  await daemon.run(Deno.env.get(DETACHED_VARIABLE) !== undefined, lock);
  return 0;
}

class Daemon {
  readonly #machine: Machine;
  readonly #supervisor: Supervisor;
  readonly #states = new Map<string, PodState>();
  #idleSinceMs = performance.now();
  readonly #stop = Promise.withResolvers<void>();

  constructor(machine: Machine, io: Io) {
    this.#machine = machine;
    this.#supervisor = new Supervisor(machine, {
      changed: (desired, state) => {
        if (state) this.#states.set(desired.uid, state);
        else this.#states.delete(desired.uid);
      },
      fault: (desired, error) => io.note(`pod "${desired.pod.metadata.name}": ${messageOf(error)}\n`),
    });
  }

  /** A list of the pods is the truth; file events only hasten the next one. */
  async run(detached: boolean, lock: OwnedFd): Promise<void> {
    const stop = (): void => this.#stop.resolve();
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, stop);
    const watcher = Deno.watchFs(`${this.#machine.root.run}/pods`, { recursive: false });
    void this.#watch(watcher);
    const timer = setInterval(() => this.#round(detached, lock, stop), DAEMON_LIST_INTERVAL_MS);
    this.#list();
    await this.#stop.promise;
    clearInterval(timer);
    watcher.close();
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.removeSignalListener(signal, stop);
    await this.#supervisor.close();
  }

  async #watch(watcher: Deno.FsWatcher): Promise<void> {
    for await (const _event of watcher) this.#list();
  }

  #round(detached: boolean, lock: OwnedFd, stop: () => void): void {
    this.#list();
    const busy = this.#isBusy();
    if (busy) this.#idleSinceMs = performance.now();
    const patience = this.#states.size === 0 ? 0 : DAEMON_IDLE_MS;
    if (!detached || busy || performance.now() - this.#idleSinceMs < patience) return;
    // whoever accepts a pod after this finds the root without a daemon, and leaves another one behind
    withLock(acceptLockPath(this.#machine.root), () => {
      const active = readRecords(this.#machine.root).some(({ state }) => state.sandbox.at !== "ended");
      if (!active) lock.close();
    });
    if (lock.number < 0) stop();
  }

  #list(): void {
    for (const { desired } of readRecords(this.#machine.root)) this.#supervisor.follow(desired);
  }

  /** Whether a pod may still need something: all that has not ended for good. */
  #isBusy(): boolean {
    return [...this.#states.values()].some((state) => state.sandbox.at !== "ended");
  }
}
