/** The two streams of a container, as a CRI log names them. */
export type LogStreamName = "stdout" | "stderr";

const SPACE = 0x20;
const TAG_FULL = 0x46; // F
const LETTER_S = 0x73;
const LETTER_E = 0x65; // the fourth letter of stderr; stdout has an o
/** `2026-01-02T03:04:05.123456789Z stdout F `: what infra writes is always so long. */
const USUAL_BYTES = 40;
const USUAL_TIME_BYTES = 30;
const MAX_TIME_BYTES = 40;

/**
 * The head of one line of a CRI log, `<RFC 3339 time> <stdout|stderr> <F|P> <text>`, read in place; one object serves
 * every line, since there are millions. See
 * https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
export class LogHead {
  /** Where the time ends. */
  timeEnd = 0;
  /** Where the text begins. */
  textAt = 0;
  /** 0 for stdout, 1 for stderr. */
  stream: 0 | 1 = 0;
  /** The line ends here; otherwise the next of the same stream continues it. */
  isFull = true;

  /** Reads the head of the line in `[at, end)`, without its newline; false when it is none. */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    const isUsual = end - at >= USUAL_BYTES && bytes[at + USUAL_TIME_BYTES] === SPACE &&
      bytes[at + 37] === SPACE &&
      bytes[at + 39] === SPACE;
    if (!isUsual) return this.#readUnusual(bytes, at, end);
    this.timeEnd = at + USUAL_TIME_BYTES;
    this.textAt = at + USUAL_BYTES;
    this.stream = bytes[at + 34] === LETTER_E ? 1 : 0;
    this.isFull = bytes[at + 38] === TAG_FULL;
    return true;
  }

  /** Other runtimes write other widths of time and more tags (`F:…`). */
  #readUnusual(bytes: Uint8Array, at: number, end: number): boolean {
    const timeEnd = bytes.subarray(at, Math.min(end, at + MAX_TIME_BYTES)).indexOf(SPACE) + at;
    const tagAt = timeEnd + 8;
    if (timeEnd <= at || tagAt >= end || bytes[tagAt - 1] !== SPACE || bytes[timeEnd + 1] !== LETTER_S) {
      return false;
    }
    const afterTag = bytes.subarray(tagAt, end).indexOf(SPACE) + tagAt;
    this.timeEnd = timeEnd;
    this.textAt = afterTag < tagAt ? end : afterTag + 1;
    this.stream = bytes[timeEnd + 4] === LETTER_E ? 1 : 0;
    this.isFull = bytes[tagAt] === TAG_FULL;
    return true;
  }
}

/** Whether the text at `at` sorts before `bound`; both are times in the same form. */
export function isBefore(bytes: Uint8Array, at: number, bound: Uint8Array): boolean {
  for (let index = 0; index < bound.length; index++) {
    const difference = bytes[at + index]! - bound[index]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** A Unix time in milliseconds as log lines begin with it. */
export function logTime(unixMs: number): Uint8Array {
  return new TextEncoder().encode(new Date(unixMs).toISOString().replace("Z", "000000Z"));
}
