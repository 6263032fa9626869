import assert from "node:assert/strict";

/** One entry of a CRI log file. */
export interface LogEntry {
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  readonly tag: "F" | "P";
  readonly text: Uint8Array;
}

const HEAD = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (stdout|stderr) ([FP]) $/;
const NEWLINE = 10;

/** Parses a CRI log file strictly: every byte belongs to an entry, and times never fall. */
export function parseLog(bytes: Uint8Array): LogEntry[] {
  const entries: LogEntry[] = [];
  const latin1 = new TextDecoder("latin1");
  let last = "";
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, at);
    assert.ok(end >= 0, "the file ends in half a line");
    const found = latin1.decode(bytes.subarray(at, at + 40)).match(/^\S* \S* [FP] /)?.[0];
    const [, time, stream, tag] = HEAD.exec(found ?? "") ?? [];
    assert.ok(time && stream && tag, `not a log line: ${latin1.decode(bytes.subarray(at, at + 60))}`);
    assert.ok(time >= last, `${time} after ${last}`);
    last = time;
    const text = bytes.subarray(at + found!.length, end);
    entries.push({ time, stream: stream as LogEntry["stream"], tag: tag as LogEntry["tag"], text });
    at = end + 1;
  }
  return entries;
}

/** The log files of an attempt in a directory, oldest first, as names. */
export function logNames(directory: string, attempt = 0): string[] {
  const generation = (name: string): number => Number(name.slice(`${attempt}.log.`.length));
  return [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) =>
    name.startsWith(`${attempt}.log`)
  )
    .sort((a, b) => generation(b) - generation(a));
}

/** Every entry of every file of an attempt, oldest first. */
export function readLogs(directory: string, attempt = 0): LogEntry[] {
  return logNames(directory, attempt).flatMap((name) => parseLog(Deno.readFileSync(`${directory}/${name}`)));
}

/** What a stream wrote, put together again from its entries. */
export function streamOf(entries: readonly LogEntry[], stream: LogEntry["stream"]): Uint8Array {
  const parts = entries.filter((entry) => entry.stream === stream)
    .flatMap(({ text, tag }) => tag === "F" ? [text, Uint8Array.of(NEWLINE)] : [text]);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
