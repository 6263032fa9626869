import type { PodState } from "../plan/mod.ts";
import { type DesiredPod, podRunDirectory, readRecord, SUPERVISOR_LOCK, tryLock } from "../state/mod.ts";
import type { OwnedFd } from "../sys/mod.ts";
import { KernelPorts } from "./kernel_ports.ts";
import type { Machine } from "./machine.ts";
import { PodWorker } from "./pod_worker.ts";

/** How often a pod that another process supervises is looked at although nothing was heard of it. */
const REMOTE_INTERVAL_MS = 500;

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
  watcher: Deno.FsWatcher | undefined;
  timer: ReturnType<typeof setInterval> | undefined;
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
  readonly #followed = new Map<string, Followed>();

  readonly #observeOnly: boolean;

  /** Supervises pods of one root; with `observeOnly` it takes none over. */
  constructor(machine: Machine, listener: SupervisorListener, options: { observeOnly?: boolean } = {}) {
    this.#observeOnly = options.observeOnly ?? false;
    this.#machine = machine;
    this.#ports = new KernelPorts(machine);
    this.#listener = listener;
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
    if (!this.#supervise(followed)) this.#look(followed);
    void this.#watch(followed);
  }

  /** Takes the pod's lock and lets a worker go on with it; false when another process has it. */
  #supervise(followed: Followed): boolean {
    if (this.#observeOnly) return false;
    const { desired } = followed;
    const directory = podRunDirectory(this.#machine.root, desired.uid);
    const lock = tryLock(`${directory}/${SUPERVISOR_LOCK}`);
    if (!lock) return false;
    const record = readRecord(this.#machine.root, desired.uid);
    if (!record) {
      lock.close();
      return false;
    }
    clearInterval(followed.timer);
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

  /** File events in the pod's directory only wake: its worker, or the look at its record. */
  async #watch(followed: Followed): Promise<void> {
    const { uid } = followed.desired;
    if (!followed.worker) followed.timer = setInterval(() => this.#look(followed), REMOTE_INTERVAL_MS);
    try {
      followed.watcher = Deno.watchFs(podRunDirectory(this.#machine.root, uid), { recursive: false });
    } catch {
      return this.#look(followed);
    }
    for await (const event of followed.watcher) {
      if (followed.worker && event.paths.some((path) => path.includes("deletion.json"))) {
        followed.worker.wake();
      } else if (!followed.worker) this.#look(followed);
    }
  }

  /** A look at a pod that another process supervises, or has ceased to. */
  #look(followed: Followed): void {
    if (followed.worker || !this.#followed.has(followed.desired.uid)) return;
    if (this.#supervise(followed)) return;
    const record = readRecord(this.#machine.root, followed.desired.uid);
    if (!record) return this.#gone(followed);
    const text = JSON.stringify(record.state);
    if (text === followed.lastRecord) return;
    followed.lastRecord = text;
    this.#listener.changed(followed.desired, record.state);
  }

  #gone(followed: Followed): void {
    if (!this.#followed.delete(followed.desired.uid)) return;
    this.#release(followed);
    this.#listener.changed(followed.desired, undefined);
  }

  #release(followed: Followed): void {
    clearInterval(followed.timer);
    followed.watcher?.close();
    followed.lock?.close();
  }

  /** Lets go of a pod: whatever of it runs, runs on. */
  async unfollow(uid: string): Promise<void> {
    const followed = this.#followed.get(uid);
    if (!followed) return;
    this.#followed.delete(uid);
    await followed.worker?.stop();
    this.#release(followed);
  }

  /** Lets go of every pod. */
  async close(): Promise<void> {
    await Promise.all(this.uids.map((uid) => this.unfollow(uid)));
  }
}
