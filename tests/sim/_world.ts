/** The machine of the simulator: one sandbox at most, whose containers do what chance says, and ports with faults. */
import type { AttemptEnd, CompletePod, PodState } from "../../runner/plan/mod.ts";
import type { PodPorts, Sandbox, SandboxEvent } from "../../runner/engine/ports.ts";
import type { DeletionRequest, DesiredPod } from "../../runner/state/mod.ts";
import type { SimClock } from "./_clock.ts";
import type { Ledger } from "./_ledger.ts";
import type { Random } from "./_random.ts";

type Hear = (event: SandboxEvent) => void;

/** An attempt as the pod's PID 1 keeps it. */
interface Entry {
  readonly name: string;
  readonly attempt: number;
  state: "starting" | "running" | "exited";
  startedMs: number;
  end?: AttemptEnd;
  oomKills: number;
}

interface Infra {
  readonly pid: number;
  readonly entries: Map<string, Entry>;
  readonly clients: Set<Hear>;
}

const EXIT_CODES = [0, 0, 1, 3, 137];

export class World {
  readonly clock: SimClock;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly pod: CompletePod;
  /** Faults and crashes happen, and containers end at random. */
  troubled = true;
  infra: Infra | undefined;
  /** What the record holds. */
  record: PodState;
  #pids = 100;

  constructor(clock: SimClock, random: Random, ledger: Ledger, pod: CompletePod, record: PodState) {
    this.clock = clock;
    this.random = random;
    this.ledger = ledger;
    this.pod = pod;
    this.record = record;
  }

  fault(probability: number): boolean {
    return this.troubled && this.random.chance(probability);
  }

  makeInfra(): Infra {
    this.endInfra();
    this.ledger.sandboxMade();
    this.infra = { pid: ++this.#pids, entries: new Map(), clients: new Set() };
    return this.infra;
  }

  /** PID 1 dies, and all with it. */
  endInfra(): void {
    const { infra } = this;
    if (!infra) return;
    this.infra = undefined;
    for (const entry of infra.entries.values()) {
      if (entry.state === "running") this.ledger.ended(entry.name, entry.startedMs, this.clock.nowMs, 137);
      if (entry.state === "starting") this.ledger.unstarted(entry.name);
      if (entry.state === "exited") this.ledger.endLost(entry.name);
    }
    for (const hear of infra.clients) hear({ type: "lost" });
  }

  start(infra: Infra, name: string, attempt: number): void {
    this.ledger.begun(name, attempt, this.clock.nowMs);
    const entry: Entry = { name, attempt, state: "starting", startedMs: 0, oomKills: 0 };
    infra.entries.set(`${name}#${attempt}`, entry);
    this.clock.after(this.random.between(1, 20), () => this.#run(infra, entry));
  }

  #run(infra: Infra, entry: Entry): void {
    if (infra !== this.infra || entry.state !== "starting") return;
    const { name, attempt } = entry;
    if (this.fault(0.15)) {
      this.ledger.unstarted(name);
      infra.entries.delete(`${name}#${attempt}`);
      for (const hear of infra.clients) hear({ type: "start-failed", name, attempt, message: "simulated" });
      return;
    }
    entry.state = "running";
    entry.startedMs = this.clock.nowMs;
    this.ledger.ran(name);
    for (const hear of infra.clients) hear({ type: "running", name, attempt, startedMs: entry.startedMs });
    const lifeMs = this.#lifeMs(name);
    if (lifeMs === Infinity) return;
    this.clock.after(lifeMs, () => {
      const code = this.troubled ? this.random.of(EXIT_CODES) : 0;
      if (this.fault(0.1)) entry.oomKills++;
      this.end(infra, entry, code === 137 ? 9 : code << 8);
    });
  }

  /** Once calm, init containers end and all others run. */
  #lifeMs(name: string): number {
    const { initContainers = [] } = this.pod.spec;
    const isInit = initContainers.some((each) => each.name === name && each.restartPolicy !== "Always");
    if (!this.troubled) return isInit ? 10 : Infinity;
    return this.random.of([1, 50, 2000, 30_000, 650_000, isInit ? 100 : Infinity]);
  }

  end(infra: Infra, entry: Entry, waitStatus: number): void {
    if (infra !== this.infra || entry.state === "exited") return;
    const { name, attempt, startedMs, oomKills } = entry;
    const finishedMs = this.clock.nowMs;
    const exitCode = waitStatus === 9 ? 137 : waitStatus >> 8;
    if (entry.state === "running") this.ledger.ended(name, startedMs, finishedMs, exitCode);
    else this.ledger.unstarted(name);
    entry.state = "exited";
    entry.end = { waitStatus, finishedMs, oomKills, message: "" };
    for (const hear of infra.clients) hear({ type: "exited", name, attempt, end: entry.end });
  }
}

/** What one daemon sees of the world; once it is dead, nothing that it does has an effect. */
export class SimPorts implements PodPorts {
  readonly #world: World;
  dead = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** A moment at which the daemon may be killed, or the call fail. */
  #moment(what: string): void {
    if (this.#world.fault(0.01)) this.dead = true;
    if (!this.dead && this.#world.fault(0.05)) throw new Error(`simulated: ${what}`);
  }

  async #call<T>(what: string, effect: () => T): Promise<T> {
    await this.#elapse();
    this.#moment(what);
    if (this.dead) return await new Promise<never>(() => {});
    const result = effect();
    await this.#elapse();
    this.#moment(what);
    return this.dead ? await new Promise<never>(() => {}) : result;
  }

  #elapse(): Promise<void> {
    return this.#world.clock.pause(this.#world.random.between(0, 10));
  }

  nowMs(): number {
    return this.#world.clock.nowMs;
  }

  async createSandbox(_desired: DesiredPod, _first: unknown, hear: Hear): Promise<Sandbox> {
    const infra = await this.#call("create the sandbox", () => this.#world.makeInfra());
    return this.#connect(infra, hear);
  }

  #connect(infra: Infra, hear: Hear): SimSandbox {
    const tell: Hear = (event) => {
      if (!this.dead) hear(event);
    };
    if (infra === this.#world.infra) infra.clients.add(tell);
    else tell({ type: "lost" });
    return new SimSandbox(this.#world, infra, this, tell);
  }

  async adoptSandbox(_desired: DesiredPod, state: PodState, hear: Hear): Promise<Sandbox | undefined> {
    const { infra } = this.#world;
    if (state.sandbox.at !== "ready" || infra?.pid !== state.sandbox.pid) return undefined;
    await this.#call("adopt the sandbox", () => {});
    const sandbox = this.#connect(infra, hear);
    for (const { name, attempt, startedMs, state: at, end } of infra.entries.values()) {
      if (at !== "starting") hear({ type: "running", name, attempt, startedMs });
      if (end) hear({ type: "exited", name, attempt, end });
    }
    for (const [name, { attempt, state: { at } }] of Object.entries(state.containers)) {
      if (at === "terminated" || attempt < 0 || infra.entries.has(`${name}#${attempt}`)) continue;
      hear({ type: "forgotten", name, attempt });
    }
    return sandbox;
  }

  async destroySandbox(): Promise<void> {
    await this.#call("destroy the sandbox", () => this.#world.endInfra());
  }

  async removePod(): Promise<void> {
    await this.#call("remove the pod", () => this.#world.ledger.removal());
  }

  save(_desired: DesiredPod, state: PodState): void {
    if (this.dead) return;
    this.#world.ledger.saved(state);
    this.#world.record = structuredClone(state);
  }

  deletionRequest(): DeletionRequest | undefined {
    return this.#world.ledger.deletion;
  }

  oomKills(_desired: DesiredPod, name: string, attempt: number): number {
    return this.#world.infra?.entries.get(`${name}#${attempt}`)?.oomKills ?? 0;
  }

  async storageExceeded(): Promise<string | undefined> {
    const exceeded = await this.#call("measure the disk use", () => this.#world.fault(0.02));
    if (exceeded) this.#world.ledger.evicted = true;
    return exceeded ? "simulated" : undefined;
  }

  wakeAt(atMs: number, wake: () => void): () => void {
    return this.#world.clock.at(Math.max(atMs, this.nowMs()), () => {
      if (!this.dead) wake();
    });
  }

  /** A synchronous effect on the sandbox; false when there is none, for the daemon is dead. */
  act(what: string): boolean {
    this.#moment(what);
    return !this.dead;
  }

  /** The same for one that takes time. */
  actLater(what: string, effect: () => void): Promise<void> {
    return this.#call(what, effect);
  }
}

class SimSandbox implements Sandbox {
  readonly pid: number;
  readonly startTicks = 1;
  readonly #world: World;
  readonly #infra: Infra;
  readonly #ports: SimPorts;
  readonly #tell: Hear;

  constructor(world: World, infra: Infra, ports: SimPorts, tell: Hear) {
    this.pid = infra.pid;
    this.#world = world;
    this.#infra = infra;
    this.#ports = ports;
    this.#tell = tell;
  }

  get #isThere(): boolean {
    return this.#infra === this.#world.infra;
  }

  startContainer(name: string, attempt: number): void {
    if (this.#ports.act("prepare a container") && this.#isThere) {
      this.#world.start(this.#infra, name, attempt);
    }
  }

  stopContainer(name: string, attempt: number): void {
    if (!this.#ports.act("stop a container") || !this.#isThere) return;
    this.#world.ledger.stopped(name, this.#world.clock.nowMs);
    const entry = this.#infra.entries.get(`${name}#${attempt}`);
    if (entry?.state !== "running" || this.#world.random.chance(0.2)) return;
    const status = this.#world.random.of([0, 15, 1 << 8]);
    const ms = this.#world.random.between(0, 8000);
    this.#world.clock.after(ms, () => this.#world.end(this.#infra, entry, status));
  }

  killContainer(name: string, attempt: number): void {
    if (!this.#ports.act("kill a container") || !this.#isThere) return;
    this.#world.ledger.killed(name, this.#world.clock.nowMs);
    const entry = this.#infra.entries.get(`${name}#${attempt}`);
    if (entry) this.#world.clock.after(1, () => this.#world.end(this.#infra, entry, 9));
  }

  async forgetContainer(name: string, attempt: number): Promise<void> {
    await this.#ports.actLater("take a container away", () => {
      if (this.#infra.entries.get(`${name}#${attempt}`)?.state === "exited") {
        this.#infra.entries.delete(`${name}#${attempt}`);
      }
    });
  }

  close(): void {
    this.#infra.clients.delete(this.#tell);
  }
}
