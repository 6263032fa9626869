import assert from "node:assert/strict";
import fc from "fast-check";
import { logAttempts, type LogOptions, readLog, readLogLines } from "../../../runner/state/cri_log/mod.ts";
import { cri, LogDirectory, textOf } from "./_log_directory.ts";

Deno.test("readLog() gives what the container wrote", async () => {
  using log = new LogDirectory();
  log.write(
    "0.log",
    cri(1, "stdout", "F", "one"),
    cri(2, "stderr", "F", ""),
    cri(3, "stdout", "F", "  two F x"),
  );
  assert.equal(await textOf(readLog({ directory: log.path })), "one\n\n  two F x\n");
});

Deno.test("readLog() joins the pieces of torn lines, each stream for itself", async () => {
  using log = new LogDirectory();
  log.write(
    "0.log",
    cri(1, "stdout", "P", "ab"),
    cri(1, "stderr", "F", "oops"),
    cri(1, "stdout", "P", "cd"),
    cri(1, "stdout", "F", "ef"),
    cri(2, "stdout", "P", "prompt> "),
  );
  assert.equal(await textOf(readLog({ directory: log.path })), "oops\nabcdef\nprompt> ");
});

Deno.test("readLog() puts the time of its beginning before a torn line", async () => {
  using log = new LogDirectory();
  log.write("0.log", cri(1, "stdout", "P", "ab"), cri(2, "stdout", "F", "cd"), cri(3, "stdout", "F", "x"));
  const text = await textOf(readLog({ directory: log.path, timestamps: true }));
  assert.equal(text, "2026-01-02T03:04:01.123456789Z abcd\n2026-01-02T03:04:03.123456789Z x\n");
});

Deno.test("readLog() reads rotated files oldest first", async () => {
  using log = new LogDirectory();
  for (let index = 0; index < 12; index++) {
    if (index > 0) log.rotate(0, 20);
    log.append("0.log", cri(index, "stdout", "F", `line ${index}`));
  }
  const text = await textOf(readLog({ directory: log.path }));
  assert.deepEqual(text.trimEnd().split("\n"), Array.from({ length: 12 }, (_, index) => `line ${index}`));
});

Deno.test("readLog() takes the last attempt, or the one asked for", async () => {
  using log = new LogDirectory();
  for (const attempt of [0, 2, 10]) log.write(`${attempt}.log`, cri(1, "stdout", "F", `attempt ${attempt}`));
  log.write("10.log.1", cri(0, "stdout", "F", "before"));
  log.write("notes.txt", "x");
  assert.deepEqual(logAttempts(log.path), [0, 2, 10]);
  assert.equal(await textOf(readLog({ directory: log.path })), "before\nattempt 10\n");
  assert.equal(await textOf(readLog({ directory: log.path, attempt: 2 })), "attempt 2\n");
});

Deno.test("readLog() gives nothing for a container that has no logs", async () => {
  assert.deepEqual(logAttempts("/nonexistent"), []);
  assert.equal(await textOf(readLog({ directory: "/nonexistent" })), "");
});

Deno.test("readLog() leaves out what is older", async () => {
  using log = new LogDirectory();
  log.write(
    "0.log",
    cri(1, "stdout", "F", "old"),
    cri(2, "stderr", "F", "edge"),
    cri(3, "stdout", "F", "new"),
  );
  const sinceMs = Date.parse("2026-01-02T03:04:02.123Z");
  assert.equal(await textOf(readLog({ directory: log.path, sinceMs })), "edge\nnew\n");
});

Deno.test("readLog() reads the heads of other runtimes, and passes on what has none", async () => {
  using log = new LogDirectory();
  log.write(
    "0.log",
    "2026-01-02T03:04:05.1+01:00 stderr P:x:y half, \n",
    "not a line of ours\n",
    "2026-01-02T03:04:05Z stderr F whole\n",
    "2026-01-02T03:04:05Z stdout F\n",
  );
  assert.equal(await textOf(readLog({ directory: log.path })), "not a line of ours\nhalf, whole\n\n");
});

Deno.test("readLog() ends at a line that is only half written", async () => {
  using log = new LogDirectory();
  log.write("0.log", cri(1, "stdout", "F", "whole"), "2026-01-02T03:0");
  assert.equal(await textOf(readLog({ directory: log.path })), "whole\n");
});

Deno.test("readLog() passes a line of many megabytes on without holding it", async () => {
  using log = new LogDirectory();
  const piece = "x".repeat(60_000);
  log.write(
    "0.log",
    ...Array.from({ length: 60 }, () => cri(1, "stdout", "P", piece)),
    cri(2, "stdout", "F", "end"),
  );
  let largest = 0;
  let total = 0;
  for await (const part of readLog({ directory: log.path })) {
    largest = Math.max(largest, part.length);
    total += part.length;
  }
  assert.equal(total, 60 * 60_000 + 4);
  assert.ok(largest <= 1024 * 1024, `a piece of ${largest} bytes`);
});

Deno.test("readLog() reads the last ten of a million lines without reading the rest", async () => {
  using log = new LogDirectory();
  using file = Deno.openSync(`${log.path}/0.log`, { write: true, create: true });
  file.truncateSync(8 * 1024 ** 4);
  file.seekSync(0, Deno.SeekMode.End);
  const lines = Array.from({ length: 40_000 }, (_, index) => cri(1, "stdout", "F", `line ${index}`));
  file.writeSync(new TextEncoder().encode("\n" + lines.join("")));
  const text = await textOf(readLog({ directory: log.path, tail: 10 }));
  assert.deepEqual(
    text.trimEnd().split("\n"),
    Array.from({ length: 10 }, (_, index) => `line ${39_990 + index}`),
  );
});

Deno.test("readLog() finds the last lines across files, and the beginning of a torn one", async () => {
  using log = new LogDirectory();
  log.write("0.log.1", cri(1, "stdout", "F", "a"), cri(1, "stdout", "P", "b1 "), cri(1, "stderr", "F", "c"));
  log.write("0.log", cri(2, "stderr", "F", "d"), cri(2, "stdout", "F", "b2"), cri(3, "stdout", "P", "e"));
  const tail = (count: number) => textOf(readLog({ directory: log.path, tail: count }));
  assert.equal(await tail(0), "");
  assert.equal(await tail(1), "e");
  assert.equal(await tail(2), "b1 b2\ne");
  assert.equal(await tail(3), "d\nb1 b2\ne");
  assert.equal(await tail(4), "c\nd\nb1 b2\ne");
  assert.equal(await tail(99), "a\nc\nd\nb1 b2\ne");
});

interface Piece {
  stream: "stdout" | "stderr";
  tag: "F" | "P";
  text: string;
}

/** What a log means, told the slow way: the lines that are complete, and what is unfinished in each stream. */
function meaning(pieces: readonly Piece[]): { lines: string[]; open: { stdout: string; stderr: string } } {
  const open = { stdout: "", stderr: "" };
  const lines: string[] = [];
  for (const { stream, tag, text } of pieces) {
    open[stream] += text;
    if (tag === "P") continue;
    lines.push(open[stream]);
    open[stream] = "";
  }
  return { lines, open };
}

/** What the last lines are: an unfinished one counts if it is the very last; another may be there or be cut. */
function isTail(lines: readonly string[], pieces: readonly Piece[], count: number): boolean {
  const { lines: all, open } = meaning(pieces);
  const last = pieces.at(-1)?.tag === "P" ? pieces.at(-1)!.stream : undefined;
  const complete = count - (last ? 1 : 0);
  if (count === 0) return lines.length === 0;
  const expected = complete <= 0 ? [] : all.slice(-complete);
  const rest = lines.slice(expected.length);
  if (lines.slice(0, expected.length).join("\n") !== expected.join("\n")) return false;
  if (last && !rest.includes(open[last])) return false;
  return rest.every((line) => open.stdout.endsWith(line) || open.stderr.endsWith(line));
}

const PIECES = fc.array(
  fc.record({
    stream: fc.constantFrom("stdout" as const, "stderr" as const),
    tag: fc.constantFrom("F" as const, "F" as const, "P" as const),
    text: fc.string({ minLength: 1, maxLength: 20 }).map((text) => text.replaceAll("\n", " ")),
  }),
  { maxLength: 30 },
);

async function linesOf(options: LogOptions): Promise<string[]> {
  const texts: string[] = [];
  for await (const batch of readLogLines(options)) {
    texts.push(...batch.map(({ text }) => new TextDecoder().decode(text)));
  }
  return texts;
}

Deno.test("readLog() and readLogLines() mean the same for any log and any tail", async () => {
  using log = new LogDirectory();
  const directory = log.path;
  await fc.assert(
    fc.asyncProperty(PIECES, fc.nat(30), fc.nat(35), async (pieces, split, tail) => {
      const raw = pieces.map(({ stream, tag, text }, index) => cri(index, stream, tag, text));
      log.write("0.log.1", ...raw.slice(0, split));
      log.write("0.log", ...raw.slice(split));
      const { lines, open } = meaning(pieces);
      const all = lines.map((line) => line + "\n").join("") + open.stdout + open.stderr;
      assert.equal(await textOf(readLog({ directory })), all);
      assert.deepEqual(await linesOf({ directory }), [...lines, open.stdout, open.stderr].filter(Boolean));
      const last = await linesOf({ directory, tail });
      assert.ok(isTail(last, pieces, tail), JSON.stringify(last));
      assert.equal((await textOf(readLog({ directory, tail }))).replaceAll("\n", ""), last.join(""));
    }),
    { numRuns: 300 },
  );
});
