/**
 * The real PodWorker in a simulated world: faults, crashes, deaths and a request to remove the pod at any moment, by a
 * seed. Safety is checked at every step; then the world is calm, and the pod has to come to rest. SEED=n replays one seed.
 */
import { fail } from "node:assert/strict";
import { PodWorker } from "../../runner/engine/mod.ts";
import { type CompletePod, newPodState } from "../../runner/plan/mod.ts";
import type { DesiredPod } from "../../runner/state/mod.ts";
import type { Container } from "../../schema/kubernetes/mod.ts";
import { SimClock } from "./_clock.ts";
import { Ledger } from "./_ledger.ts";
import { Random } from "./_random.ts";
import { SimPorts, World } from "./_world.ts";

const SEEDS = 2000;
/** How long the world is troubled, and how long the longest run, back-off, grace and pause take afterwards. */
const TROUBLED_MS = 20 * 60_000;
const CALM_MS = 25 * 60_000;
/** Events at one point of time beyond which something wakes itself for ever. */
const MAX_EVENTS = 20_000;

function randomPod(random: Random): CompletePod {
  const container = (name: string): Container => ({
    name,
    image: "host",
    ...(random.chance(0.05) ? { resources: { limits: { "ephemeral-storage": "1Gi" } } } : {}),
  });
  const inits = ["i", "j", "k"].slice(0, random.between(0, 3)).map((name): Container => ({
    ...container(name),
    ...(random.chance(0.5) ? { restartPolicy: "Always" } : {}),
  }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "sim", namespace: "default" },
    spec: {
      restartPolicy: random.of(["Always", "Always", "OnFailure", "Never"]),
      terminationGracePeriodSeconds: random.of([0, 5, 30]),
      ...(random.chance(0.1) ? { activeDeadlineSeconds: random.of([1, 60, 700]) } : {}),
      initContainers: inits,
      containers: ["a", "b"].slice(0, random.between(1, 2)).map(container),
    },
  };
}

class Simulation {
  readonly #random: Random;
  readonly #clock = new SimClock();
  readonly #pod: CompletePod;
  readonly #desired: DesiredPod;
  readonly #ledger: Ledger;
  readonly #world: World;
  #worker!: PodWorker;
  #ports!: SimPorts;
  #events = 0;
  #restarting = false;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#pod = randomPod(this.#random);
    this.#desired = { uid: "uid-1", pod: this.#pod, configMaps: [], secrets: [], hash: "" };
    this.#ledger = new Ledger(this.#pod);
    const record = newPodState("uid-1", this.#clock.nowMs);
    this.#world = new World(this.#clock, this.#random, this.#ledger, this.#pod, record);
  }

  async run(): Promise<void> {
    this.#startDaemon();
    this.#disturb();
    if (this.#random.chance(0.5)) {
      this.#clock.after(this.#random.between(0, TROUBLED_MS), () => this.#requestDeletion());
    }
    await this.#until(this.#clock.nowMs + TROUBLED_MS);
    this.#world.troubled = false;
    await this.#until(this.#clock.nowMs + CALM_MS);
    if (this.#ledger.deletion) return this.#checkRemoved();
    this.#checkSettled();
    this.#requestDeletion();
    await this.#until(this.#clock.nowMs + 60_000);
    this.#checkRemoved();
  }

  #startDaemon(): void {
    this.#restarting = false;
    this.#ports = new SimPorts(this.#world);
    this.#worker = new PodWorker(this.#desired, structuredClone(this.#world.record), this.#ports, {
      changed: () => {},
      removed: () => {},
      fault: (error) => {
        if (!this.#world.troubled) this.#ledger.violation ??= `a fault in calm: ${error}`;
      },
    });
    this.#worker.wake();
  }

  /** From time to time PID 1 dies, the daemon is killed, or hands over. */
  #disturb(): void {
    if (!this.#world.troubled) return;
    const { nowMs } = this.#clock;
    if (this.#random.chance(0.15)) this.#world.endInfra();
    if (this.#random.chance(0.2)) this.#ports.dead = true;
    if (this.#random.chance(0.1)) this.#handOver();
    this.#clock.at(nowMs + this.#random.of([5, 40, 1000, 60_000]), () => this.#disturb());
  }

  #handOver(): void {
    const ports = this.#ports;
    void this.#worker.stop().then(() => {
      if (!ports.dead && this.#ports === ports) this.#startDaemon();
    });
  }

  #requestDeletion(): void {
    this.#ledger.deletion = { requestedMs: this.#clock.nowMs, graceSeconds: this.#random.of([0, 2, 30, 40]) };
    this.#worker.wake();
  }

  async #until(atMs: number): Promise<void> {
    this.#events = 0;
    await this.#clock.runUntil(atMs, () => this.#step());
  }

  #step(): void {
    if (this.#ledger.violation) fail(this.#ledger.violation);
    if (++this.#events > MAX_EVENTS) fail("the worker does not come to rest");
    if (!this.#ports.dead || this.#restarting || this.#ledger.removed) return;
    this.#restarting = true;
    this.#clock.after(this.#random.between(0, 5000), () => this.#startDaemon());
  }

  #checkRemoved(): void {
    if (!this.#ledger.removed) fail(`the pod is not removed: ${JSON.stringify(this.#worker.state)}`);
    if (this.#world.infra) fail("the pod is removed, and its sandbox lives");
  }

  #checkSettled(): void {
    const { sandbox } = this.#worker.state;
    if (sandbox.at === "ended") {
      return this.#ledger.live.length > 0 ? fail(`a finished pod has live ${this.#ledger.live}`) : undefined;
    }
    const missing = [...this.#pod.spec.initContainers ?? [], ...this.#pod.spec.containers].filter((each) =>
      each.restartPolicy === "Always" || this.#pod.spec.containers.includes(each)
    ).filter(({ name }) => !this.#ledger.of(name).live && !this.#endedWell(name));
    if (missing.length > 0) {
      fail(`${missing.map(({ name }) => name)} do not run: ${JSON.stringify(this.#worker.state)}`);
    }
  }

  #endedWell(name: string): boolean {
    const { runs, exitCode } = this.#ledger.of(name);
    const policy = this.#pod.spec.restartPolicy;
    return runs > 0 && (policy === "Never" || (policy === "OnFailure" && exitCode === 0));
  }
}

async function simulate(seed: number): Promise<void> {
  try {
    await new Simulation(seed).run();
  } catch (error) {
    throw new Error(`SEED=${seed} replays it: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

Deno.test("PodWorker keeps its promises whatever fails, dies or is asked for", async () => {
  const seed = Deno.env.get("SEED");
  if (seed !== undefined) return await simulate(Number(seed));
  for (let each = 1; each <= SEEDS; each++) await simulate(each);
});
