import assert from "node:assert/strict";
import { type LogOptions, mergeLogs, readLog } from "../../../runner/state/cri_log/mod.ts";
import { cri, LogDirectory } from "./_log_directory.ts";

/** Follows a log; `until` waits for the text that has come by then. */
class Follower {
  text = "";
  readonly done: Promise<void>;
  #wake: () => void = () => {};

  constructor(options: LogOptions) {
    this.done = this.#read(options);
  }

  async #read(options: LogOptions): Promise<void> {
    for await (const piece of readLog(options)) {
      this.text += new TextDecoder().decode(piece);
      this.#wake();
    }
  }

  async until(text: string): Promise<void> {
    while (!this.text.endsWith(text)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

Deno.test("readLog() follows what is written, until the container is over", async () => {
  using log = new LogDirectory();
  let isOver = false;
  log.write("0.log", cri(1, "stdout", "F", "one"));
  const follower = new Follower({ directory: log.path, follow: { isOver: () => isOver } });
  await follower.until("one\n");
  log.append("0.log", cri(2, "stdout", "P", "prompt> "));
  await follower.until("prompt> ");
  log.append("0.log", cri(3, "stdout", "F", "ls"));
  await follower.until("ls\n");
  isOver = true;
  log.append("0.log", cri(4, "stdout", "F", "last"));
  await follower.done;
  assert.equal(follower.text, "one\nprompt> ls\nlast\n");
});

Deno.test("readLog() follows through rotations and loses nothing", async () => {
  using log = new LogDirectory();
  const end = new AbortController();
  log.write("0.log");
  const follower = new Follower({ directory: log.path, follow: { signal: end.signal } });
  const expected: string[] = [];
  for (let index = 0; index < 300; index++) {
    expected.push(`line ${index}\n`);
    log.append("0.log", cri(index, "stdout", "F", `line ${index}`));
    if (index % 7 === 0) log.rotate(0);
    if (index % 14 === 0) await follower.until(`line ${index}\n`);
  }
  await follower.until("line 299\n");
  end.abort();
  await follower.done;
  assert.equal(follower.text, expected.join(""));
});

Deno.test("readLog() waits in the middle of a rotation, and does not take a newer file for the next", async () => {
  using log = new LogDirectory();
  const end = new AbortController();
  log.write("0.log.1", cri(1, "stdout", "F", "one"));
  const follower = new Follower({ directory: log.path, follow: { signal: end.signal } });
  await follower.until("one\n");
  Deno.renameSync(`${log.path}/0.log.1`, `${log.path}/0.log.2`);
  log.append("0.log.2", cri(2, "stdout", "F", "two"));
  await follower.until("two\n");
  log.write("0.log.1", cri(3, "stdout", "F", "three"));
  log.write("0.log", cri(4, "stdout", "F", "four"));
  await follower.until("four\n");
  end.abort();
  await follower.done;
  assert.equal(follower.text, "one\ntwo\nthree\nfour\n");
});

Deno.test("readLog() begins again with a file that was emptied", async () => {
  using log = new LogDirectory();
  const end = new AbortController();
  log.write("0.log", cri(1, "stdout", "F", "a long line before"));
  const follower = new Follower({ directory: log.path, follow: { signal: end.signal } });
  await follower.until("before\n");
  log.write("0.log", cri(2, "stdout", "F", "after"));
  await follower.until("after\n");
  end.abort();
  await follower.done;
  assert.equal(follower.text, "a long line before\nafter\n");
});

Deno.test("readLog() goes on behind a write that was taken back", async () => {
  using log = new LogDirectory();
  const end = new AbortController();
  const kept = cri(1, "stdout", "F", "kept");
  log.write("0.log", kept, "2026-01-02T03:04:05.123456789Z stdout F torn");
  const follower = new Follower({ directory: log.path, follow: { signal: end.signal } });
  await follower.until("kept\n");
  Deno.truncateSync(`${log.path}/0.log`, kept.length);
  log.append("0.log", cri(2, "stdout", "F", "x"));
  await follower.until("x\n");
  end.abort();
  await follower.done;
  assert.equal(follower.text, "kept\nx\n");
});

Deno.test("readLog() waits for a directory that is not there yet", async () => {
  using log = new LogDirectory();
  const end = new AbortController();
  const directory = `${log.path}/container`;
  const follower = new Follower({ directory, follow: { signal: end.signal } });
  Deno.mkdirSync(directory);
  log.append("container/0.log", cri(1, "stdout", "F", "hello"));
  await follower.until("hello\n");
  end.abort();
  await follower.done;
});

Deno.test("readLog() goes on with the next attempt when restarts are followed", async () => {
  using log = new LogDirectory();
  const end = new AbortController();
  log.write("0.log", cri(1, "stdout", "F", "first"));
  const follower = new Follower({ directory: log.path, follow: { restarts: true, signal: end.signal } });
  await follower.until("first\n");
  log.append("0.log", cri(2, "stdout", "F", "last words"));
  log.write("1.log", cri(3, "stdout", "F", "second"));
  await follower.until("second\n");
  end.abort();
  await follower.done;
  assert.equal(follower.text, "first\nlast words\nsecond\n");
});

Deno.test("mergeLogs() orders the lines of several logs by their time", async () => {
  using a = new LogDirectory();
  using b = new LogDirectory();
  a.write("0.log", cri(1, "stdout", "F", "1"), cri(4, "stdout", "F", "4"), cri(5, "stdout", "F", "5"));
  b.write("0.log", cri(2, "stdout", "F", "2"), cri(3, "stderr", "F", "3"), cri(6, "stdout", "F", "6"));
  const lines: string[] = [];
  for await (const batch of mergeLogs([["a", { directory: a.path }], ["b", { directory: b.path }]])) {
    lines.push(...batch.map(({ source, line }) => source + new TextDecoder().decode(line.text)));
  }
  assert.deepEqual(lines, ["a1", "b2", "b3", "a4", "a5", "b6"]);
});

Deno.test("mergeLogs() does not wait for a followed log that says nothing, and can be left at any time", async () => {
  using loud = new LogDirectory();
  using silent = new LogDirectory();
  loud.write(
    "0.log",
    ...Array.from({ length: 10 }, (_, index) => cri(index, "stdout", "F", `line ${index}`)),
  );
  const logs = [loud, silent].map(({ path }) => [path, { directory: path, follow: {} }] as const);
  let count = 0;
  for await (const batch of mergeLogs(logs)) {
    count += batch.length;
    if (count === 10) loud.append("0.log", cri(11, "stdout", "F", "more"));
    if (count === 11) break;
  }
  assert.equal(count, 11);
});
