import assert from "node:assert/strict";
import { logNames, parseLog, readLogs, streamOf } from "../support/infra_log.ts";
import { type Command, shell, TestInfra, until } from "../support/infra_pod.ts";

const ignore = Deno.uid() !== 0;
const CHUNK = 65_536;
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

class Logs implements Disposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "seedpod-infra-log-" });
  readonly infra = new TestInfra();
  readonly client = this.infra.connect();

  /** A command whose output is logged here. */
  logged(command: Command, maxBytes = 10 << 20, maxFiles = 5): Command {
    return { ...command, log: { directory: this.directory, attempt: 0, maxBytes, maxFiles } };
  }

  /** A file for the command to read. */
  write(name: string, content: Uint8Array): string {
    const path = `${this.infra.directory}/${name}`;
    Deno.writeFileSync(path, content);
    return path;
  }

  [Symbol.dispose](): void {
    this.client.client.close();
    this.infra[Symbol.dispose]();
    Deno.removeSync(this.directory, { recursive: true });
  }
}

Deno.test({ name: "a log is in the CRI format, to the byte", ignore }, async () => {
  using logs = new Logs();
  const before = new Date().toISOString();
  await logs.client.run(1n, logs.logged(shell("echo out; echo; echo err >&2")));
  const text = Deno.readTextFileSync(`${logs.directory}/0.log`);
  const time = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z";
  const lines = text.split("\n");
  assert.equal(lines.pop(), "");
  const patterns = ["stdout F out", "stdout F ", "stderr F err"].map((rest) =>
    new RegExp(`^${time} ${rest}$`)
  );
  assert.ok(patterns.every((pattern) => lines.some((line) => pattern.test(line))), text);
  assert.equal(lines.length, 3);
  assert.ok(lines[0]! >= before.slice(0, -1) && lines[0]! <= `${new Date(Date.now() + 1000).toISOString()}`);
  assert.equal(Deno.statSync(`${logs.directory}/0.log`).mode! & 0o777, 0o640 & ~Deno.umask());
});

Deno.test({
  name: "a log gives back every byte: NUL, invalid UTF-8, empty lines, no newline at the end",
  ignore,
}, async () => {
  using logs = new Logs();
  const content = new Uint8Array(300_000);
  for (let at = 0, x = 12345; at < content.length; at++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    content[at] = (x >> 16) % 11 === 0 ? 10 : x >> 16;
  }
  content[content.length - 1] = 0;
  const path = logs.write("content", content);
  await logs.client.run(1n, logs.logged({ argv: ["/bin/cat", path] }));
  const entries = readLogs(logs.directory);
  assert.deepEqual(streamOf(entries, "stdout"), content);
  assert.equal(entries.at(-1)?.tag, "P");
  assert.ok(entries.some(({ text }) => text.length === 0));
});

Deno.test(
  { name: "a log keeps what is written byte by byte, and by writes that cut lines", ignore },
  async () => {
    using logs = new Logs();
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index}`.padEnd(99, "x") + "\n").join("");
    const path = logs.write("lines", new TextEncoder().encode(lines));
    const script = `dd if=${path} bs=997 2>/dev/null; dd if=${path} bs=1 count=3000 2>/dev/null`;
    await logs.client.run(1n, logs.logged(shell(script)));
    const entries = readLogs(logs.directory);
    assert.equal(decode(streamOf(entries, "stdout")), lines + lines.slice(0, 3000));
  },
);

Deno.test({
  name: "a prompt without a newline is logged at once, as a partial line, and its rest as a full one",
  ignore,
}, async () => {
  using logs = new Logs();
  const fifo = `${logs.infra.directory}/fifo`;
  new Deno.Command("mkfifo", { args: [fifo] }).outputSync();
  logs.client.spawn(1n, logs.logged(shell(`printf 'name? '; read x < ${fifo}; echo $x`)));
  await until(() => logNames(logs.directory).length > 0 && readLogs(logs.directory).length === 1);
  Deno.writeTextFileSync(fifo, "pod\n");
  await logs.client.event("exited", 1n);
  assert.deepEqual(readLogs(logs.directory).map(({ tag, text }) => [tag, decode(text)]), [["P", "name? "], [
    "F",
    "pod",
  ]]);
});

Deno.test({ name: "a line longer than the buffer is logged in partial pieces", ignore }, async () => {
  using logs = new Logs();
  const content = new Uint8Array(CHUNK * 3 + 17).fill(0x61);
  content[content.length - 1] = 10;
  const path = logs.write("line", content);
  await logs.client.run(1n, logs.logged({ argv: ["/bin/cat", path] }));
  const entries = readLogs(logs.directory);
  assert.deepEqual(streamOf(entries, "stdout"), content);
  assert.ok(entries.slice(0, -1).every(({ tag, text }) => tag === "P" && text.length <= CHUNK));
  assert.equal(entries.at(-1)?.tag, "F");
});

Deno.test({ name: "lines of both streams stay whole beside each other", ignore }, async () => {
  using logs = new Logs();
  const script = "i=0; while [ $i -lt 3000 ]; do echo out$i; echo err$i >&2; i=$((i+1)); done";
  await logs.client.run(1n, logs.logged(shell(script)));
  const entries = readLogs(logs.directory);
  for (const [stream, word] of [["stdout", "out"], ["stderr", "err"]] as const) {
    const expected = Array.from({ length: 3000 }, (_, index) => `${word}${index}\n`).join("");
    assert.equal(decode(streamOf(entries, stream)), expected);
  }
});

Deno.test({
  name: "rotation happens at line ends before the limit, and loses nothing while files are left",
  ignore,
}, async () => {
  using logs = new Logs();
  const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index}\n`).join("");
  const path = logs.write("lines", new TextEncoder().encode(lines));
  await logs.client.run(1n, logs.logged({ argv: ["/bin/cat", path] }, 400_000));
  const names = logNames(logs.directory);
  assert.deepEqual(names, ["0.log.4", "0.log.3", "0.log.2", "0.log.1", "0.log"].slice(5 - names.length));
  assert.ok(names.length >= 4);
  for (const name of names) {
    assert.ok(Deno.statSync(`${logs.directory}/${name}`).size <= 400_000, name);
  }
  assert.equal(decode(streamOf(readLogs(logs.directory), "stdout")), lines);
});

Deno.test({ name: "rotation keeps as many files as asked, the newest", ignore }, async () => {
  using logs = new Logs();
  const lines = Array.from({ length: 60_000 }, (_, index) => `line ${index}\n`).join("");
  const path = logs.write("lines", new TextEncoder().encode(lines));
  await logs.client.run(1n, logs.logged({ argv: ["/bin/cat", path] }, 200_000, 3));
  assert.deepEqual(logNames(logs.directory), ["0.log.2", "0.log.1", "0.log"]);
  const kept = decode(streamOf(readLogs(logs.directory), "stdout"));
  assert.ok(kept.length > 100_000 && lines.endsWith(kept));
  // a number of files that makes no sense is the least that does
  await logs.client.run(2n, {
    ...shell(`cat ${path}`),
    log: { directory: logs.directory, attempt: 7, maxBytes: 0, maxFiles: 0 },
  });
  assert.deepEqual(logNames(logs.directory, 7), ["7.log.1", "7.log"]);
});

Deno.test({ name: "an endless line is cut into files of bounded size", ignore }, async () => {
  using logs = new Logs();
  await logs.client.run(1n, logs.logged(shell("dd if=/dev/zero bs=64k count=200 2>/dev/null"), 100_000, 3));
  const sizes = logNames(logs.directory).map((name) => Deno.statSync(`${logs.directory}/${name}`).size);
  assert.equal(sizes.length, 3);
  assert.ok(sizes.every((size) => size <= 100_000 + (1 << 20)), `${sizes}`);
});

Deno.test({ name: "a log goes on where an attempt's file is there already", ignore }, async () => {
  using logs = new Logs();
  await logs.client.run(1n, logs.logged(shell("echo one")));
  await logs.client.run(2n, logs.logged(shell("echo two")));
  assert.equal(decode(streamOf(readLogs(logs.directory), "stdout")), "one\ntwo\n");
});

Deno.test(
  { name: "a removed log directory stops nobody, and what could not be written is counted", ignore },
  async () => {
    using logs = new Logs();
    const directory = `${logs.directory}/removed`;
    const fifo = `${logs.infra.directory}/fifo`;
    new Deno.Command("mkfifo", { args: [fifo] }).outputSync();
    Deno.mkdirSync(directory);
    const command = shell(
      `echo first; read x < ${fifo}; dd if=/dev/zero bs=64k count=16 2>/dev/null | tr '\\0' '\\n'`,
    );
    logs.client.spawn(1n, { ...command, log: { directory, attempt: 0, maxBytes: 1000, maxFiles: 2 } });
    await until(() => logNames(directory).length === 1);
    Deno.removeSync(directory, { recursive: true });
    Deno.writeTextFileSync(fifo, "go\n");
    assert.equal((await logs.client.event("exited", 1n)).droppedBytes, 1 << 20);
  },
);

Deno.test({
  name: "a FIFO or a symlink in the log file's place stops nobody and is not written through",
  ignore,
}, async () => {
  using logs = new Logs();
  new Deno.Command("mkfifo", { args: [`${logs.directory}/0.log`] }).outputSync();
  await logs.client.run(1n, logs.logged(shell("echo text")));
  Deno.removeSync(`${logs.directory}/0.log`);
  const target = logs.write("target", new Uint8Array());
  Deno.symlinkSync(target, `${logs.directory}/0.log`);
  logs.client.spawn(2n, logs.logged(shell("echo text")));
  assert.equal((await logs.client.event("exited", 2n)).droppedBytes, 5);
  assert.equal(Deno.statSync(target).size, 0);
});

Deno.test({ name: "parseLog() refuses half a line and a time that falls", ignore: false }, () => {
  const entry = "2026-01-02T03:04:05.000000006Z stdout F text\n";
  assert.equal(parseLog(new TextEncoder().encode(entry + entry)).length, 2);
  assert.throws(() => parseLog(new TextEncoder().encode(entry + entry.slice(0, 44))));
  assert.throws(() => parseLog(new TextEncoder().encode(entry + entry.replace("2026", "2025"))));
});
