import { LOG_CHUNK_BYTES, MAX_LOG_FILE_LINE_BYTES } from "../../base/mod.ts";
import { type LogLine, LogLineDecoder } from "./decode_lines.ts";
import { type LogDecoder, LogTextDecoder } from "./decode_text.ts";
import { LogHead, logTime } from "./header.ts";
import { logAttempts, type LogFile, nextLogFile, openLogFiles } from "./log_files.ts";
import { LogWatch } from "./log_watch.ts";
import { findTail } from "./tail.ts";

const NEWLINE = 0x0a;

/** Going on after the end of what is written. */
export interface FollowOptions {
  /** Asked when all is read: whether nothing more will be written. What was written before the answer is still read. */
  readonly isOver?: () => boolean | Promise<boolean>;
  /** Goes on with the next attempt when the container has been restarted. */
  readonly restarts?: boolean;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** Which lines of a log, and how. */
export interface LogOptions {
  /** The container's directory of logs: `<namespace>_<name>_<uid>/<container>` below the root of all logs. */
  readonly directory: string;
  /** Which run of the container, from 0 on; the last one of which there is a log when left out. */
  readonly attempt?: number;
  /** Only so many lines from the end. */
  readonly tail?: number;
  /** Only lines since this Unix time in milliseconds. */
  readonly sinceMs?: number;
  readonly follow?: FollowOptions;
}

/** Where reading begins: the file, at its position, or none when there is no log. */
function begin(directory: string, attempt: number, tail: number | undefined, decoder: { skip: number }) {
  const files = openLogFiles(directory, attempt);
  const start = tail === undefined ? { file: files.length - 1, position: 0, skip: 0 } : findTail(files, tail);
  const chosen = files[start.file];
  for (const file of files) if (file !== chosen) file[Symbol.dispose]();
  decoder.skip = start.skip;
  if (chosen) chosen.position = start.position;
  return chosen;
}

/** The bytes of one attempt, read into a buffer and decoded from there. */
class AttemptReader<T> implements Disposable {
  readonly #bytes = new Uint8Array(LOG_CHUNK_BYTES);
  readonly #decoder: LogDecoder<T>;
  readonly #directory: string;
  readonly #attempt: number;
  readonly #tail: number | undefined;
  #file: LogFile | undefined;
  #filled = 0;

  constructor(directory: string, attempt: number, tail: number | undefined, decoder: LogDecoder<T>) {
    this.#directory = directory;
    this.#attempt = attempt;
    this.#tail = tail;
    this.#decoder = decoder;
    this.#file = begin(directory, attempt, tail, decoder);
  }

  /** Everything that is there by now. */
  *available(): Generator<T> {
    this.#file ??= begin(this.#directory, this.#attempt, this.#tail, this.#decoder);
    while (this.#file) {
      yield* this.#rest(this.#file);
      const next = nextLogFile(this.#directory, this.#attempt, this.#file);
      if (!next) return;
      // What was written between the last look and the rotation.
      yield* this.#rest(this.#file);
      yield* this.#cutLine();
      this.#file[Symbol.dispose]();
      this.#file = next;
    }
  }

  *#rest(file: LogFile): Generator<T> {
    for (;;) {
      if (file.rewindIfCut(this.#filled)) this.#filled = 0;
      const count = file.read(this.#bytes.subarray(this.#filled));
      if (count === 0) return;
      this.#filled += count;
      yield* this.#decode();
      if (this.#filled > MAX_LOG_FILE_LINE_BYTES) yield* this.#cutLine();
    }
  }

  *#decode(): Generator<T> {
    const taken = yield* this.#decoder.decode(this.#bytes, this.#filled);
    this.#bytes.copyWithin(0, taken, this.#filled);
    this.#filled -= taken;
  }

  /** A line whose end is missing, as in a damaged file. */
  *#cutLine(): Generator<T> {
    if (this.#filled === 0) return;
    this.#bytes[this.#filled++] = NEWLINE;
    yield* this.#decode();
  }

  /** What is left when nothing more comes; a line of which not even the head was written is nothing. */
  *end(): Generator<T> {
    if (new LogHead().read(this.#bytes, 0, this.#filled)) yield* this.#cutLine();
    yield* this.#decoder.end();
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }
}

const newest = (directory: string): number | undefined => logAttempts(directory).at(-1);

async function* readAttempts<T>(options: LogOptions, newDecoder: () => LogDecoder<T>): AsyncGenerator<T> {
  const { directory, follow } = options;
  using watch = follow && new LogWatch(directory);
  let tail = options.tail;
  let attempt = options.attempt ?? newest(directory) ?? 0;
  for (;;) {
    const decoder = newDecoder();
    using reader = new AttemptReader(directory, attempt, tail, decoder);
    const next = yield* readAttempt(reader, decoder, attempt, options, watch);
    if (next === undefined) return;
    attempt = next;
    tail = undefined;
  }
}

/** Gives the attempt to go on with, if any. */
async function* readAttempt<T>(
  reader: AttemptReader<T>,
  decoder: LogDecoder<T>,
  attempt: number,
  { directory, follow }: LogOptions,
  watch: LogWatch | undefined,
): AsyncGenerator<T, number | undefined> {
  for (;;) {
    // Asked before the last look, so that nothing that was written before the answer is missed.
    const next = follow?.restarts ? logAttempts(directory).find((other) => other > attempt) : undefined;
    const isOver = next !== undefined || !follow || follow.signal?.aborted ||
      await follow.isOver?.() === true;
    yield* reader.available();
    if (isOver) {
      yield* reader.end();
      return next;
    }
    yield* decoder.idle();
    await watch?.wait(follow.signal);
  }
}

/**
 * What a container wrote, as bytes for a terminal or a file. A piece is valid until the next one is asked for. Rotated
 * files are read oldest first; a rotation or a cut while reading loses nothing that is kept.
 */
export function readLog(options: LogOptions & { readonly timestamps?: boolean }): AsyncGenerator<Uint8Array> {
  const { timestamps = false, sinceMs } = options;
  const since = sinceMs === undefined ? {} : { since: logTime(sinceMs) };
  return readAttempts(options, () => new LogTextDecoder({ timestamps, ...since }));
}

/** What a container wrote as lines, in batches that are never empty. */
export function readLogLines(options: LogOptions): AsyncGenerator<LogLine[]> {
  const since = options.sinceMs === undefined ? undefined : logTime(options.sinceMs);
  return readAttempts(options, () => new LogLineDecoder(since));
}
