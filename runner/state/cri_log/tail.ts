import { LOG_CHUNK_BYTES, MAX_LOG_TAIL_LOOKBACK_BYTES } from "../../base/mod.ts";
import { LogHead } from "./header.ts";
import type { LogFile } from "./log_files.ts";

const NEWLINE = 0x0a;
/** Enough of a line to read its head. */
const HEAD_BYTES = 96;

/** Where the last lines of a log begin. */
export interface TailStart {
  /** Index among the files, newest first. */
  readonly file: number;
  readonly position: number;
  /** Complete lines to leave out from there on. */
  readonly skip: number;
}

/** One line of a file, met from behind. */
interface RawLine {
  readonly position: number;
  /** Undefined for a line that is none of a container runtime. */
  readonly stream: 0 | 1 | undefined;
  readonly isFull: boolean;
}

/** The lines of one file from its end to its beginning, read in chunks. */
function* linesBackwards(log: LogFile): Generator<RawLine> {
  const chunk = new Uint8Array(LOG_CHUNK_BYTES);
  const start = new Uint8Array(HEAD_BYTES);
  const head = new LogHead();
  const line = (position: number, read: Uint8Array): RawLine => {
    const bytes = read.length >= HEAD_BYTES ? read.subarray(0, HEAD_BYTES) : log.readAt(position, start);
    const newline = bytes.indexOf(NEWLINE);
    const isLine = head.read(bytes, 0, newline < 0 ? bytes.length : newline);
    return { position, stream: isLine ? head.stream : undefined, isFull: !isLine || head.isFull };
  };
  const { size } = log;
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - chunk.length);
    const bytes = log.readAt(from, chunk.subarray(0, end - from));
    let at = bytes.length - (end === size ? 2 : 1);
    for (
      at = bytes.lastIndexOf(NEWLINE, at);
      at >= 0;
      at = at === 0 ? -1 : bytes.lastIndexOf(NEWLINE, at - 1)
    ) {
      if (from + at + 1 < size) yield line(from + at + 1, bytes.subarray(at + 1));
    }
    end = from;
  }
  if (size > 0) yield line(0, start.subarray(0, 0));
}

/**
 * Where to begin so that the last `count` lines come out whole, looking no further back than needed: a line that was torn
 * into pieces counts once, and pieces of its beginning that stand before lines of the other stream are found as well.
 */
export function findTail(files: readonly LogFile[], count: number): TailStart {
  let start: TailStart = { file: 0, position: files[0]?.size ?? 0, skip: 0 };
  let complete = 0;
  let lookback = 0;
  const seen = new Set<0 | 1>();
  const unsettled = new Set<0 | 1>();
  for (let file = 0; file < files.length; file++) {
    let above = files[file]!.size;
    for (const raw of linesBackwards(files[file]!)) {
      const isEnough = complete >= count;
      if (isEnough) {
        lookback += above - raw.position;
        if (unsettled.size === 0 || lookback > MAX_LOG_TAIL_LOOKBACK_BYTES) return start;
      }
      above = raw.position;
      const { stream = 0, isFull } = raw;
      if (isEnough && isFull) unsettled.delete(stream);
      // An unfinished line at the very end is one, though its end is missing.
      if (isFull || seen.size === 0) complete++;
      seen.add(stream);
      if (isEnough && (isFull || !unsettled.has(stream))) continue;
      start = { file, position: raw.position, skip: Math.max(0, complete - count) };
      for (const each of seen) unsettled.add(each);
    }
  }
  return start;
}
