import type { LogLine } from "./decode_lines.ts";
import { type LogOptions, readLogLines } from "./read_log.ts";

/** A line, and which of the merged logs it is from. */
export interface MergedLine<K> {
  readonly source: K;
  readonly line: LogLine;
}

/** Lines that are given at once, at most. */
const MAX_BATCH = 4096;

/** One of the logs: the lines it shows next, or the promise of them. */
class Head<K> {
  readonly source: K;
  readonly #batches: AsyncGenerator<LogLine[]>;
  #batch: LogLine[] = [];
  #at = 0;
  isDone = false;
  pending: Promise<void> | undefined;
  /** It had nothing to say the last time it was waited for. */
  isSilent = false;

  constructor(source: K, options: LogOptions) {
    this.source = source;
    this.#batches = readLogLines(options);
    this.#fetch();
  }

  /** The line that is next. */
  get line(): LogLine | undefined {
    return this.#batch[this.#at];
  }

  /** Goes to the line after it. */
  advance(): void {
    if (++this.#at >= this.#batch.length) this.#fetch();
  }

  #fetch(): void {
    this.#batch = [];
    this.#at = 0;
    this.pending = this.#batches.next().then(({ done, value }) => {
      this.pending = undefined;
      this.isSilent = false;
      if (done) this.isDone = true;
      else this.#batch = value;
    });
  }
}

/** How long a followed log may take to give a line that is there already, before the others go on without it. */
const PATIENCE_MS = 20;

/** Waits until every log shows its next line, or, once some do, until the rest proves silent. */
async function settle<K>(heads: readonly Head<K>[]): Promise<void> {
  const hasLine = heads.some(({ line }) => line !== undefined);
  const awaited = heads.filter(({ pending, isSilent }) => pending && !(hasLine && isSilent));
  if (awaited.length === 0) return;
  const { promise: patience, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, PATIENCE_MS);
  await Promise.race([Promise.all(awaited.map(({ pending }) => pending)), patience]);
  clearTimeout(timer);
  for (const head of awaited) head.isSilent = head.pending !== undefined;
  if (!hasLine && heads.every(({ line, isDone }) => !line && !isDone)) {
    await Promise.race(heads.flatMap(({ pending }) => pending ?? []));
  }
}

/** The same options, ending with `own` as well. */
function endingWith(options: LogOptions, own: AbortSignal): LogOptions {
  if (!options.follow) return options;
  const { signal } = options.follow;
  return { ...options, follow: { ...options.follow, signal: signal ? AbortSignal.any([signal, own]) : own } };
}

/** The earliest lines, as long as every log that spoke lately shows its next one. */
function takeBatch<K>(heads: readonly Head<K>[]): MergedLine<K>[] {
  const batch: MergedLine<K>[] = [];
  while (batch.length < MAX_BATCH && heads.every((head) => head.line || head.isSilent)) {
    let first: Head<K> | undefined;
    for (const head of heads) {
      if (head.line && (!first?.line || head.line.time < first.line.time)) first = head;
    }
    if (!first?.line) break;
    batch.push({ source: first.source, line: first.line });
    first.advance();
  }
  return batch;
}

/**
 * The lines of several logs in the order of their times, in batches. Logs that are followed give what they have: a line
 * is not held back for a log that has nothing to say.
 */
export async function* mergeLogs<K>(
  logs: readonly (readonly [K, LogOptions])[],
): AsyncGenerator<MergedLine<K>[]> {
  const end = new AbortController();
  let heads = logs.map(([source, options]) => new Head(source, endingWith(options, end.signal)));
  try {
    while (heads.length > 0) {
      await settle(heads);
      heads = heads.filter(({ isDone }) => !isDone);
      const batch = takeBatch(heads);
      if (batch.length > 0) yield batch;
    }
  } finally {
    end.abort();
    await Promise.allSettled(heads.flatMap(({ pending }) => pending ?? []));
  }
}
