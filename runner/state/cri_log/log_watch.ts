import { LOG_FOLLOW_POLL_MS } from "../../base/mod.ts";

/** The pause when the directory cannot be watched, since it is not there yet or watches are used up. */
const BLIND_POLL_MS = 100;

/**
 * Waits for changes in a directory. A notice means "look again", and so does a time-out, since notices can be lost:
 * nobody relies on either.
 */
export class LogWatch implements Disposable {
  readonly #directory: string;
  #watcher: Deno.FsWatcher | undefined;
  #events: AsyncIterator<Deno.FsEvent> | undefined;
  #next: Promise<void> | undefined;

  /** Begins to watch, so that what changes from here on is noticed. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#begin();
  }

  #begin(): void {
    try {
      this.#watcher = Deno.watchFs(this.#directory, { recursive: false });
      this.#events = this.#watcher[Symbol.asyncIterator]();
    } catch {
      this.#watcher = undefined;
    }
  }

  /** Resolves at a change, after a while, or when the signal is aborted. */
  async wait(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (!this.#watcher) this.#begin();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#watcher ? LOG_FOLLOW_POLL_MS : BLIND_POLL_MS);
    const onAbort = (): void => resolve();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#next ??= this.#events?.next().catch(() => undefined).then(() => {
      this.#next = undefined;
    });
    this.#next?.then(resolve);
    await promise;
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }
}
