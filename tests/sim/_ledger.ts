/** What must hold at every step, checked against what truly happened and not against the worker's records. */
import { type CompletePod, type PodContainer, podContainers, type PodState } from "../../runner/plan/mod.ts";

/** What truly became of one container. */
interface History {
  /** The latest attempt that was asked for. */
  attempt: number;
  /** How often it was killed. */
  kills: number;
  /** Attempts whose process ran, and the latest of them. */
  runs: number;
  latestRun: number;
  /** Ends in a row of runs shorter than ten minutes. */
  quickEnds: number;
  endedMs: number;
  exitCode: number;
  live: boolean;
  /** When it was begun in the present sandbox, and when it ended well there. */
  begun: boolean;
  completed: boolean;
}

/** Below ten minutes: how much later than it happened a worker may learn of an end. */
const SURELY_QUICK_MS = 540_000;

/** Once, and again by daemons that take over before the record says so. */
const MAX_KILLS = 10;

export class Ledger {
  readonly #pod: CompletePod;
  readonly #containers: readonly PodContainer[];
  readonly #histories = new Map<string, History>();
  deletion: { requestedMs: number; graceSeconds: number } | undefined;
  removed = false;
  evicted = false;
  /** The first thing that must not happen and did. */
  violation: string | undefined;
  #firstStopMs = Infinity;
  /** Also those whose first attempt was lost with its sandbox before it came to be. */
  readonly #toldEnded = new Set<string>();

  constructor(pod: CompletePod) {
    this.#pod = pod;
    this.#containers = podContainers(pod);
    for (const { container: { name } } of this.#containers) {
      this.#histories.set(name, {
        attempt: -1,
        kills: 0,
        runs: 0,
        latestRun: -1,
        quickEnds: 0,
        endedMs: -Infinity,
        exitCode: 0,
        live: false,
        begun: false,
        completed: false,
      });
    }
  }

  #fault(what: string): void {
    this.violation ??= what;
  }

  of(name: string): History {
    return this.#histories.get(name) ?? missing(name);
  }

  get live(): string[] {
    return [...this.#histories].filter(([, { live }]) => live).map(([name]) => name);
  }

  begun(name: string, attempt: number, nowMs: number): void {
    const history = this.of(name);
    if (this.removed) this.#fault(`${name} was started after the pod was removed`);
    if (this.deletion) this.#fault(`${name} was started after the deletion was requested`);
    if (history.live) this.#fault(`${name}#${attempt} was started beside a live copy`);
    const isRetry = attempt === history.attempt && history.latestRun < attempt;
    // an attempt that was lost with its sandbox counts, although its request may never have come
    const isNext = history.begun ? attempt === history.attempt + 1 : attempt > history.attempt;
    if (!isNext && !isRetry) this.#fault(`${name}#${attempt} was started after #${history.attempt}`);
    this.#checkPolicy(name, history);
    this.#checkOrder(name);
    const { quickEnds } = history;
    const backoffMs = quickEnds < 2 ? 0 : Math.min(10_000 * 2 ** (quickEnds - 2), 300_000);
    if (nowMs < history.endedMs + backoffMs) {
      this.#fault(`${name} was started ${nowMs - history.endedMs} ms after its ${quickEnds}th quick end`);
    }
    Object.assign(history, { attempt, kills: 0, live: true, begun: true, completed: false });
  }

  #checkPolicy(name: string, history: History): void {
    const { role } = this.#containers.find(({ container }) => container.name === name)!;
    if (role === "sidecar" || history.runs === 0) return;
    const policy = this.#pod.spec.restartPolicy;
    if (role === "init" ? history.completed : policy === "OnFailure" && history.exitCode === 0) {
      this.#fault(`${name} was restarted after it had ended well`);
    }
    if (role === "main" && policy === "Never") this.#fault(`${name} was restarted under restartPolicy Never`);
    if (policy === "Never" && history.exitCode !== 0) {
      this.#fault(`${name} was restarted under restartPolicy Never`);
    }
  }

  #checkOrder(name: string): void {
    for (const { container, role } of this.#containers) {
      if (container.name === name) return;
      const { begun, completed } = this.of(container.name);
      if (role === "init" && !completed) {
        this.#fault(`${name} was started before ${container.name} had ended well`);
      }
      if (role === "sidecar" && !begun) this.#fault(`${name} was started before ${container.name}`);
    }
  }

  ran(name: string): void {
    const history = this.of(name);
    history.runs++;
    history.latestRun = history.attempt;
  }

  ended(name: string, startedMs: number, nowMs: number, exitCode: number): void {
    const history = this.of(name);
    const quick = nowMs - startedMs < SURELY_QUICK_MS;
    history.quickEnds = quick ? history.quickEnds + 1 : 1;
    Object.assign(history, { live: false, endedMs: nowMs, exitCode, completed: exitCode === 0 });
  }

  /** The news of an end was lost, perhaps before anybody heard it. */
  endLost(name: string): void {
    this.of(name).exitCode = 137;
  }

  /** An attempt ended before its process ran. */
  unstarted(name: string): void {
    this.of(name).live = false;
  }

  sandboxMade(): void {
    if (this.removed) this.#fault("a sandbox was made after the pod was removed");
    if (this.deletion) this.#fault("a sandbox was made after the deletion was requested");
    if (this.live.length > 0) this.#fault(`a sandbox was made over live containers: ${this.live}`);
    for (const history of this.#histories.values()) history.begun = history.completed = false;
  }

  stopped(name: string, nowMs: number): void {
    this.#checkEnding(name, "stopped");
    this.#firstStopMs = Math.min(this.#firstStopMs, nowMs);
    const isSidecar = this.#containers.some(({ container, role }) =>
      container.name === name && role === "sidecar"
    );
    if (!isSidecar) return;
    const at = this.#containers.findIndex(({ container }) => container.name === name);
    const before = this.#containers.filter(({ container, role }, index) =>
      this.of(container.name).live && (role !== "sidecar" || index > at)
    );
    if (before.length > 0) {
      this.#fault(`sidecar ${name} was stopped before ${before.map((each) => each.container.name)}`);
    }
  }

  killed(name: string, nowMs: number): void {
    this.#checkEnding(name, "killed");
    if (++this.of(name).kills > MAX_KILLS) this.#fault(`${name} was killed over and over`);
    const own = Math.min(this.#firstStopMs, nowMs) +
      (this.#pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
    const asked = this.deletion ? this.deletion.requestedMs + this.deletion.graceSeconds * 1000 : Infinity;
    if (!this.evicted && nowMs < Math.min(own, asked)) {
      this.#fault(`${name} was killed before its grace was over`);
    }
  }

  #checkEnding(name: string, what: string): void {
    const overdue = this.#pod.spec.activeDeadlineSeconds !== undefined;
    const isOver = (each: PodContainer): boolean => {
      const { live, attempt, completed } = this.of(each.container.name);
      return !live && (attempt >= 0 || this.#toldEnded.has(each.container.name)) &&
        (each.role === "main" || !completed);
    };
    const finished = this.#containers.filter(({ role }) => role === "main").every(isOver) ||
      this.#containers.some((each) => each.role === "init" && isOver(each));
    if (!this.deletion && !this.evicted && !overdue && !finished) {
      this.#fault(`${name} was ${what} although the pod is to run`);
    }
  }

  removal(): void {
    if (!this.deletion) this.#fault("the pod was removed although nobody asked");
    if (this.live.length > 0) this.#fault(`the pod was removed while ${this.live} lived`);
    this.removed = true;
  }

  saved(state: PodState): void {
    for (const [name, { attempt, restartCount, state: { at } }] of Object.entries(state.containers)) {
      if (at === "terminated") this.#toldEnded.add(name);
      if (restartCount !== Math.max(attempt, 0)) {
        this.#fault(`${name}#${attempt} counts ${restartCount} restarts`);
      }
    }
  }
}

function missing(name: string): never {
  throw new Error(`there is no container ${name}`);
}
