import { HeldLine } from "./held_line.ts";
import { isBefore, LogHead } from "./header.ts";

const NEWLINE = 0x0a;

/** Turns the bytes of a log file into something else, piece by piece. */
export interface LogDecoder<T> {
  /** Takes whole lines from `[0, end)`, which it may overwrite; gives how many bytes it took. */
  decode(bytes: Uint8Array, end: number): Generator<T, number>;
  /** Nothing more is there for now. */
  idle(): Generator<T>;
  /** Nothing more will come. */
  end(): Generator<T>;
  /** From here on so many complete lines are left out. */
  skip: number;
}

/** What the text of a log is to look like. */
export interface TextOptions {
  /** Puts the time before each line. */
  readonly timestamps?: boolean;
  /** Leaves older lines out; see {@linkcode logTime}. */
  readonly since?: Uint8Array;
}

/**
 * The text as the container wrote it. Each piece lies in the bytes that were given, moved together in place, so that a
 * line costs one search and one move; it is valid until the next one is asked for. The pieces of a torn line are joined,
 * also where lines of the other stream stand between.
 */
export class LogTextDecoder implements LogDecoder<Uint8Array> {
  skip = 0;
  readonly #head = new LogHead();
  readonly #held: readonly [HeldLine, HeldLine] = [new HeldLine(), new HeldLine()];
  readonly #options: TextOptions;

  /** Begins at the beginning of a line. */
  constructor(options: TextOptions) {
    this.#options = options;
  }

  *decode(bytes: Uint8Array, end: number): Generator<Uint8Array, number> {
    const head = this.#head;
    const { timestamps = false, since } = this.#options;
    const input = bytes.subarray(0, end);
    let begun = 0;
    let out = 0;
    let at = 0;
    for (;;) {
      const newline = input.indexOf(NEWLINE, at);
      if (newline < 0) break;
      const isLine = head.read(input, at, newline);
      if (isLine && since !== undefined && isBefore(input, at, since)) {
        at = newline + 1;
        continue;
      }
      const held = this.#held[isLine ? head.stream : 0];
      if (!isLine || (head.isFull && held.isEmpty && !held.isOpen && this.skip === 0)) {
        if (isLine && timestamps) {
          input.copyWithin(out, at, head.timeEnd + 1);
          out += head.timeEnd + 1 - at;
        }
        const from = isLine ? head.textAt : at;
        input.copyWithin(out, from, newline + 1);
        out += newline + 1 - from;
      } else {
        if (out > begun) yield input.subarray(begun, out);
        yield* this.#piece(held, input, at, newline);
        begun = out = newline + 1;
      }
      at = newline + 1;
    }
    if (out > begun) yield input.subarray(begun, out);
    return at;
  }

  /** One line of the file that is a piece of a line of output, or that may have to be left out. */
  *#piece(held: HeldLine, input: Uint8Array, at: number, newline: number): Generator<Uint8Array> {
    const { textAt, timeEnd, isFull } = this.#head;
    if (this.skip > 0) {
      if (isFull) {
        held.take();
        this.skip--;
        return;
      }
      if (held.overflows(newline - textAt)) held.take();
    } else if (isFull || held.isOpen || held.overflows(newline - textAt)) {
      if (!held.isEmpty) yield held.take();
      else if (this.#options.timestamps && !held.isOpen) yield input.subarray(at, timeEnd + 1);
      yield input.subarray(textAt, isFull ? newline + 1 : newline);
      held.isOpen = !isFull;
      return;
    }
    if (held.isEmpty && this.#options.timestamps) held.push(input.subarray(at, timeEnd + 1));
    held.push(input.subarray(textAt, newline));
  }

  /** A prompt has no newline: what is held is shown as soon as nothing follows it. */
  *idle(): Generator<Uint8Array> {
    for (const held of this.#held) {
      if (held.isEmpty || this.skip > 0) continue;
      held.isOpen = true;
      yield held.take();
    }
  }

  *end(): Generator<Uint8Array> {
    yield* this.idle();
  }
}
