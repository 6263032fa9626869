import { EPHEMERAL_STORAGE_INTERVAL_MS, MAX_ACTIONS_PER_TURN, messageOf, SeedpodError } from "../base/mod.ts";
import {
  type Action,
  type Attempt,
  containerBegun,
  containerExited,
  containerForgotten,
  containerRunning,
  containerStartFailed,
  containerTroubled,
  firstStart,
  hasStorageLimits,
  killSent,
  memoryOf,
  oomKillsSeen,
  planPod,
  podFailed,
  type PodState,
  retryAtMs,
  sandboxEnded,
  sandboxLost,
  sandboxReady,
  stopSignalled,
  troubled,
} from "../plan/mod.ts";
import type { DesiredPod } from "../state/mod.ts";
import type { PodPorts, Sandbox, SandboxEvent } from "./ports.ts";

/** What a worker tells whoever runs it. */
export interface WorkerListener {
  /** The pod's state has changed. */
  changed(state: PodState): void;
  /** The pod is gone, and the worker with it. */
  removed(): void;
  /** A fault of seedpod's own: the worker goes on, and tries again. */
  fault(error: unknown): void;
}

/**
 * One pod, one serial turn at a time: facts that arrived are folded into the state, the plan is asked, its actions are
 * done, and the plan is asked again until it has nothing to do. Events only wake it.
 */
export class PodWorker {
  readonly desired: DesiredPod;
  readonly #ports: PodPorts;
  readonly #listener: WorkerListener;
  #state: PodState;
  #sandbox: Sandbox | undefined;
  #events: SandboxEvent[] = [];
  #turning: Promise<void> | undefined;
  #dirty = false;
  #removed = false;
  #stopped = false;
  #callOff: (() => void) | undefined;
  #storageAtMs = 0;
  readonly #unforgotten: Attempt[] = [];

  /** Begins with what is known; the first {@linkcode wake} adopts what runs. */
  constructor(desired: DesiredPod, state: PodState, ports: PodPorts, listener: WorkerListener) {
    this.desired = desired;
    this.#state = state;
    this.#ports = ports;
    this.#listener = listener;
  }

  /** What is known of the pod. */
  get state(): PodState {
    return this.#state;
  }

  /** Has the worker look again soon. */
  wake(): void {
    this.#dirty = true;
    if (this.#turning || this.#stopped || this.#removed) return;
    this.#turning = this.#turns().finally(() => {
      this.#turning = undefined;
      if (this.#dirty) this.wake();
    });
  }

  /** Lets go of the pod, which runs on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#turning;
    this.#callOff?.();
    this.#sandbox?.close();
  }

  async #turns(): Promise<void> {
    while (this.#dirty && !this.#removed && !this.#stopped) {
      this.#dirty = false;
      try {
        await this.#turn();
      } catch (error) {
        this.#listener.fault(error);
        this.#update(troubled(this.#state, "SeedpodFault", messageOf(error), this.#ports.nowMs()));
        const { count, lastMs } = this.#state.trouble!;
        this.#sleep(retryAtMs(count, lastMs));
      }
    }
  }

  async #turn(): Promise<void> {
    this.#callOff?.();
    await this.#observe();
    for (let done = 0; done < MAX_ACTIONS_PER_TURN; done++) {
      this.#observeDeletion();
      const plan = planPod(this.desired.pod, this.#state, this.#ports.nowMs());
      if (plan.actions.length === 0) {
        this.#sleep(plan.wakeAtMs);
        return;
      }
      for (const action of plan.actions) await this.#apply(action);
      if (this.#removed || this.#stopped) return;
      await this.#foldEvents();
    }
    throw new SeedpodError("Cannot settle a pod: the plan asks for ever more");
  }

  #sleep(wakeAtMs: number | undefined): void {
    const atMs = Math.min(wakeAtMs ?? Infinity, this.#watchesStorage ? this.#storageAtMs : Infinity);
    this.#callOff = atMs === Infinity ? undefined : this.#ports.wakeAt(atMs, () => this.wake());
  }

  /** Folds what happened into the state: the wish to remove, the sandbox's news, the counters. */
  async #observe(): Promise<void> {
    if (!this.#sandbox) await this.#adopt();
    for (const ended of this.#unforgotten.splice(0)) await this.#forget(ended);
    await this.#foldEvents();
    for (const [name, memory] of Object.entries(this.#state.containers)) {
      if (memory.state.at !== "running") continue;
      const kills = this.#ports.oomKills(this.desired, name, memory.attempt);
      this.#update(oomKillsSeen(this.#state, name, kills, this.#ports.nowMs()));
    }
    await this.#observeStorage();
  }

  /** Takes over a sandbox that somebody else made, or to which the connection was lost. */
  async #adopt(): Promise<void> {
    if (this.#state.sandbox.at !== "ready") return;
    this.#sandbox = await this.#ports.adoptSandbox(this.desired, this.#state, this.#hear);
    if (!this.#sandbox) this.#update(sandboxLost(this.#state, this.#ports.nowMs()));
  }

  /** Looked for before every decision: nothing is started once somebody wants the pod gone. */
  #observeDeletion(): void {
    const deletion = this.#ports.deletionRequest(this.desired);
    const { requestedMs, graceSeconds } = this.#state.deletion ?? {};
    if (!deletion || (deletion.requestedMs === requestedMs && deletion.graceSeconds === graceSeconds)) return;
    this.#update({ ...this.#state, deletion });
  }

  get #watchesStorage(): boolean {
    const { sandbox, failure, deletion } = this.#state;
    return sandbox.at === "ready" && !failure && !deletion && hasStorageLimits(this.desired.pod);
  }

  async #observeStorage(): Promise<void> {
    if (!this.#watchesStorage || this.#ports.nowMs() < this.#storageAtMs) return;
    // before the look: one that fails is not repeated at once
    this.#storageAtMs = this.#ports.nowMs() + EPHEMERAL_STORAGE_INTERVAL_MS;
    const message = await this.#ports.storageExceeded(this.desired, this.#state);
    if (message !== undefined) this.#update(podFailed(this.#state, "Evicted", message));
  }

  readonly #hear = (event: SandboxEvent): void => {
    this.#events.push(event);
    this.wake();
  };

  async #foldEvents(): Promise<void> {
    for (let event = this.#events.shift(); event; event = this.#events.shift()) await this.#fold(event);
  }

  async #fold(event: SandboxEvent): Promise<void> {
    if (event.type === "lost") {
      this.#sandbox?.close();
      this.#sandbox = undefined;
      // infra drops whoever does not read fast enough: whether it is gone is for the kernel to say
      return await this.#adopt();
    }
    const { name, attempt } = event;
    const isLatest = memoryOf(this.#state, name).attempt === attempt;
    if (isLatest) this.#update(this.#after(event));
    if (event.type === "running") return;
    await this.#forget({ name, attempt });
  }

  /** What cannot be taken away now does not hold up the pod: the next turn tries again. */
  async #forget(ended: Attempt): Promise<void> {
    try {
      await this.#sandbox?.forgetContainer(ended.name, ended.attempt);
    } catch (error) {
      this.#listener.fault(error);
      this.#unforgotten.push(ended);
    }
  }

  #after(event: Exclude<SandboxEvent, { type: "lost" }>): PodState {
    switch (event.type) {
      case "running":
        return containerRunning(this.#state, event.name, event.startedMs);
      case "exited":
        return containerExited(this.#state, event.name, event.end);
      case "start-failed":
        return containerStartFailed(this.#state, event.name, event.message, this.#ports.nowMs());
      case "forgotten":
        return containerForgotten(this.#state, event.name, this.#ports.nowMs());
    }
  }

  #update(state: PodState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#ports.save(this.desired, state);
    this.#listener.changed(state);
  }

  async #apply(action: Action): Promise<void> {
    const nowMs = this.#ports.nowMs();
    switch (action.do) {
      case "create-sandbox":
        return await this.#createSandbox();
      case "start-container":
        return this.#startContainer(action.name, action.attempt);
      case "stop-container":
        this.#sandbox?.stopContainer(action.name, memoryOf(this.#state, action.name).attempt);
        return this.#update(stopSignalled(this.#state, action.name, nowMs));
      case "kill-container":
        this.#sandbox?.killContainer(action.name, memoryOf(this.#state, action.name).attempt);
        return this.#update(killSent(this.#state, action.name));
      case "fail-pod":
        return this.#update(podFailed(this.#state, action.reason, action.message));
      case "destroy-sandbox":
        await this.#destroySandbox();
        return this.#update(sandboxEnded(this.#state));
      case "remove-pod":
        await this.#destroySandbox();
        await this.#ports.removePod(this.desired);
        this.#removed = true;
        this.#listener.removed();
    }
  }

  async #createSandbox(): Promise<void> {
    try {
      const first = firstStart(this.desired.pod, this.#state, this.#ports.nowMs());
      const sandbox = await this.#ports.createSandbox(this.desired, first, this.#hear);
      this.#sandbox = sandbox;
      this.#update(sandboxReady(this.#state, sandbox.pid, sandbox.startTicks));
    } catch (error) {
      this.#update(troubled(this.#state, "FailedCreatePodSandBox", messageOf(error), this.#ports.nowMs()));
    }
  }

  #startContainer(name: string, attempt: number): void {
    const before = this.#state;
    this.#update(containerBegun(this.#state, name, attempt));
    try {
      this.#sandbox!.startContainer(name, attempt);
    } catch (error) {
      const reason = error instanceof SeedpodError && error.fault === "user"
        ? "CreateContainerConfigError"
        : "CreateContainerError";
      this.#update(containerTroubled(before, name, reason, messageOf(error), this.#ports.nowMs()));
    }
  }

  async #destroySandbox(): Promise<void> {
    this.#sandbox?.close();
    this.#sandbox = undefined;
    await this.#ports.destroySandbox(this.desired, this.#state);
  }
}
