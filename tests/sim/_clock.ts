/** A clock of its own: it stands while anything is to be done, and then goes on to the next event. */
export class SimClock {
  nowMs = 1_000_000_000_000;
  #events: { readonly atMs: number; readonly run: () => void }[] = [];

  /** Has something happen at a time; gives the way to call it off. */
  at(atMs: number, run: () => void): () => void {
    const event = { atMs, run };
    const index = this.#events.findIndex((each) => each.atMs > atMs);
    this.#events.splice(index < 0 ? this.#events.length : index, 0, event);
    return () => {
      this.#events = this.#events.filter((each) => each !== event);
    };
  }

  after(ms: number, run: () => void): () => void {
    return this.at(this.nowMs + ms, run);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets things happen until a time, or until nothing is left to happen; then it is that time. */
  async runUntil(untilMs: number, settled: () => void): Promise<void> {
    await quiet();
    for (let event = this.#events[0]; event && event.atMs <= untilMs; event = this.#events[0]) {
      this.#events.shift();
      this.nowMs = Math.max(this.nowMs, event.atMs);
      event.run();
      await quiet();
      settled();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }
}

/** Longer than any chain of promises that one event sets off; what is longer goes on at the next event. */
const TICKS = 40;

async function quiet(): Promise<void> {
  for (let tick = 0; tick < TICKS; tick++) await undefined;
}
