import { DELETION_INTERVAL_MS, REMOTE_POD_INTERVAL_MS } from "../base/mod.ts";
import type { PodState } from "../plan/mod.ts";
import {
  deletionsDirectory,
  type DesiredPod,
  podRunDirectory,
  readDeletion,
  readRecord,
  SUPERVISOR_LOCK,
  tryLock,
} from "../state/mod.ts";
import type { OwnedFd } from "../sys/mod.ts";
import { PodWorker } from "./pod_worker.ts";
import { KernelPorts, type Machine } from "./kernel/mod.ts";

/** What a supervisor tells. */
export interface SupervisorListener {
  /** A pod's state has changed; undefined: the pod is gone. */
  changed(desired: DesiredPod, state: PodState | undefined): void;
  /** A fault of seedpod's own on the way. */
  fault(desired: DesiredPod, error: unknown): void;
}

/** One pod that is followed: by a worker of this process where it holds the pod's lock, else by its record. */
class Followed {
  worker: PodWorker | undefined;
  lock: OwnedFd | undefined;
  /** Of the pod's directory, while another process supervises it. */
  watcher: Deno.FsWatcher | undefined;
  lastRecord = "";

  constructor(readonly desired: DesiredPod) {}
}

/**
 * Follows pods, and supervises those that nobody else does: exactly one process holds a pod's lock, and its worker alone
 * changes the pod. When another supervisor dies, its lock is free and its pods are taken over.
 */
export class Supervisor {
  readonly #machine: Machine;
  readonly #ports: KernelPorts;
  readonly #listener: SupervisorListener;
  readonly #observeOnly: boolean;
  readonly #followed = new Map<string, Followed>();
  #watcher: Deno.FsWatcher | undefined;
  readonly #timers: ReturnType<typeof setInterval>[];

  /** Supervises pods of one root; with `observeOnly` it takes none over, and waits for whoever does. */
  constructor(machine: Machine, listener: SupervisorListener, options: { observeOnly?: boolean } = {}) {
    this.#observeOnly = options.observeOnly ?? false;
    this.#machine = machine;
    this.#ports = new KernelPorts(machine);
    this.#listener = listener;
    if (!this.#observeOnly) void this.#watchDeletions();
    this.#timers = [
      setInterval(() => this.#each((followed) => this.#look(followed)), REMOTE_POD_INTERVAL_MS),
      setInterval(() => this.#each((followed) => this.#wakeToRemove(followed)), DELETION_INTERVAL_MS),
    ];
  }

  /** The uids of the pods that are followed. */
  get uids(): readonly string[] {
    return [...this.#followed.keys()];
  }

  /** Begins to follow a pod; again is harmless. */
  follow(desired: DesiredPod): void {
    if (this.#followed.has(desired.uid)) return;
    const followed = new Followed(desired);
    this.#followed.set(desired.uid, followed);
    this.#look(followed);
    if (!followed.worker) void this.#watchRecord(followed);
  }

  /** Takes the pod's lock and lets a worker go on with it; false when another process has it. */
  #supervise(followed: Followed): boolean {
    const { desired } = followed;
    const lock = tryLock(`${podRunDirectory(this.#machine.root, desired.uid)}/${SUPERVISOR_LOCK}`);
    if (!lock) return false;
    const record = readRecord(this.#machine.root, desired.uid);
    if (!record) {
      lock.close();
      return false;
    }
    followed.watcher?.close();
    followed.lock = lock;
    followed.worker = new PodWorker(record.desired, record.state, this.#ports, {
      changed: (state) => this.#listener.changed(desired, state),
      removed: () => this.#gone(followed),
      fault: (error) => this.#listener.fault(desired, error),
    });
    this.#listener.changed(desired, record.state);
    followed.worker.wake();
    return true;
  }

  /** One watch for all pods, since a user may have few: its events wake the workers whose pods somebody wants to remove. */
  async #watchDeletions(): Promise<void> {
    this.#watcher = watchIfPossible(deletionsDirectory(this.#machine.root));
    for await (const { paths } of this.#watcher ?? []) {
      for (const path of paths) {
        const uid = /([^/]+)\.json$/.exec(path)?.[1] ?? "";
        this.#followed.get(uid)?.worker?.wake();
      }
    }
  }

  /** Whoever waits for a pod of another process looks at its record at once when it changes. */
  async #watchRecord(followed: Followed): Promise<void> {
    followed.watcher = watchIfPossible(podRunDirectory(this.#machine.root, followed.desired.uid));
    // what changed before the watch began
    this.#look(followed);
    for await (const _event of followed.watcher ?? []) this.#look(followed);
  }

  #each(action: (followed: Followed) => void): void {
    for (const followed of [...this.#followed.values()]) action(followed);
  }

  #wakeToRemove({ worker, desired }: Followed): void {
    const known = worker?.state.deletion?.graceSeconds;
    const wanted = worker && readDeletion(this.#machine.root, desired.uid)?.graceSeconds;
    if (wanted !== known) worker?.wake();
  }

  /** Whether nobody supervises a pod: its record may be out of date then. */
  #isAlone({ desired: { uid } }: Followed): boolean {
    const path = `${podRunDirectory(this.#machine.root, uid)}/${SUPERVISOR_LOCK}`;
    using lock = tryLock(path, { shared: true });
    return lock !== undefined;
  }

  /** A look at a pod that another process supervises, or has ceased to. */
  #look(followed: Followed): void {
    if (followed.worker || !this.#followed.has(followed.desired.uid)) return;
    if (this.#observeOnly ? this.#isAlone(followed) : this.#supervise(followed)) return;
    const record = readRecord(this.#machine.root, followed.desired.uid);
    if (!record) return this.#gone(followed);
    const text = JSON.stringify(record.state);
    if (text === followed.lastRecord) return;
    followed.lastRecord = text;
    this.#listener.changed(followed.desired, record.state);
  }

  #gone(followed: Followed): void {
    if (!this.#followed.delete(followed.desired.uid)) return;
    release(followed);
    this.#listener.changed(followed.desired, undefined);
  }

  /** Lets go of a pod: whatever of it runs, runs on. */
  async unfollow(uid: string): Promise<void> {
    const followed = this.#followed.get(uid);
    if (!followed) return;
    this.#followed.delete(uid);
    await followed.worker?.stop();
    release(followed);
  }

  /** Lets go of every pod. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#watcher?.close();
    await Promise.all(this.uids.map((uid) => this.unfollow(uid)));
  }
}

function release({ watcher, lock }: Followed): void {
  watcher?.close();
  lock?.close();
}

/** Undefined where the directory is gone, or this user has no watch to spare: then the timers alone look. */
function watchIfPossible(directory: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(directory, { recursive: false });
  } catch {
    return undefined;
  }
}
