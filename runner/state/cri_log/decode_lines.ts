import { HeldLine } from "./held_line.ts";
import { isBefore, LogHead, type LogStreamName } from "./header.ts";
import type { LogDecoder } from "./decode_text.ts";

const NEWLINE = 0x0a;

/** One line that a container wrote. */
export interface LogLine {
  /** When, RFC 3339 with nanoseconds; empty for a line that was not written by a container runtime. */
  readonly time: string;
  readonly stream: LogStreamName;
  /** Without the newline. */
  readonly text: Uint8Array;
}

const ascii = new TextDecoder("latin1");

/** Lines, in batches, for those who put something before each or merge several logs. */
export class LogLineDecoder implements LogDecoder<LogLine[]> {
  skip = 0;
  readonly #head = new LogHead();
  readonly #held: readonly [HeldLine, HeldLine] = [new HeldLine(), new HeldLine()];
  readonly #times: [string, string] = ["", ""];
  readonly #since: Uint8Array | undefined;
  #batch: LogLine[] = [];

  /** Leaves lines out that are older than `since`; see {@linkcode logTime}. */
  constructor(since?: Uint8Array) {
    this.#since = since;
  }

  *decode(bytes: Uint8Array, end: number): Generator<LogLine[], number> {
    // One copy for all lines, which outlive the bytes given.
    const input = bytes.slice(0, end);
    let at = 0;
    for (let newline = input.indexOf(NEWLINE); newline >= 0; newline = input.indexOf(NEWLINE, at)) {
      this.#line(input, at, newline);
      at = newline + 1;
    }
    yield* this.#flush();
    return at;
  }

  #line(input: Uint8Array, at: number, newline: number): void {
    const head = this.#head;
    if (!head.read(input, at, newline)) {
      this.#batch.push({ time: "", stream: "stdout", text: input.subarray(at, newline) });
      return;
    }
    if (this.#since !== undefined && isBefore(input, at, this.#since)) return;
    const held = this.#held[head.stream];
    const piece = input.subarray(head.textAt, newline);
    if (held.overflows(piece.length)) this.#end(head.stream);
    const begins = held.isEmpty;
    if (begins) this.#times[head.stream] = ascii.decode(input.subarray(at, head.timeEnd));
    if (!head.isFull) {
      held.push(piece);
    } else if (this.skip > 0) {
      held.take();
      this.skip--;
    } else if (begins) {
      this.#push(head.stream, piece);
    } else {
      held.push(piece);
      this.#end(head.stream);
    }
  }

  #push(stream: 0 | 1, text: Uint8Array): void {
    this.#batch.push({ time: this.#times[stream], stream: stream ? "stderr" : "stdout", text });
  }

  /** What is held becomes a line. */
  #end(stream: 0 | 1): void {
    const held = this.#held[stream];
    if (held.isEmpty) return;
    const text = held.take().slice();
    if (this.skip === 0) this.#push(stream, text);
  }

  *#flush(): Generator<LogLine[]> {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    yield batch;
  }

  /** An unfinished line waits for its end. */
  *idle(): Generator<LogLine[]> {}

  *end(): Generator<LogLine[]> {
    this.#end(0);
    this.#end(1);
    yield* this.#flush();
  }
}
