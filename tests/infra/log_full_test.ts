import assert from "node:assert/strict";
import { parseLog, readLogs, streamOf } from "../support/infra_log.ts";
import { type Command, shell, TestInfra, until } from "../support/infra_pod.ts";

const ignore = Deno.uid() !== 0;
/** Prints a line that fills a page of the log to the byte, so that a full disk takes nothing more at all. */
const WHOLE_PAGE = `printf '%4055s\\n' x`;
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const run = (command: string, ...args: string[]): void => {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.ok(success, decode(stderr));
};

/** A log directory on a file system of 64 kB, part of which a filler takes. */
class SmallDisk implements Disposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "seedpod-infra-small-" });
  readonly infra = new TestInfra();
  readonly client = this.infra.connect();
  readonly fifo = `${this.infra.directory}/fifo`;

  constructor() {
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", this.directory);
    run("mkfifo", this.fifo);
  }

  /** Leaves no page free. */
  fill(): void {
    using file = Deno.openSync(`${this.directory}/filler`, { write: true, create: true, append: true });
    assert.throws(() => {
      for (;;) file.writeSync(new Uint8Array(4096));
    }, /No space/);
  }

  /** Gives the space back, and lets the command's next `read` from the fifo return. */
  free(): void {
    Deno.removeSync(`${this.directory}/filler`);
    Deno.writeTextFileSync(this.fifo, "go\n");
  }

  logged(script: string): Command {
    return {
      ...shell(script),
      log: { directory: this.directory, attempt: 0, maxBytes: 10 << 20, maxFiles: 5 },
    };
  }

  /** Waits until infra has dropped so much. */
  async dropped(bytes: number): Promise<void> {
    await until(async () => ((await this.client.list())[0]?.droppedBytes ?? 0) >= bytes);
  }

  [Symbol.dispose](): void {
    this.client.client.close();
    this.infra[Symbol.dispose]();
    run("umount", "--lazy", this.directory); // infra, which holds the log, dies in its own time
    Deno.removeSync(this.directory);
  }
}

const confessedBytes = (text: string): number => {
  const said = text.matchAll(
    /^seedpod: dropped (\d+) bytes \(\d+ line ends\) that could not be written to this file$/gm,
  );
  return [...said].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
};

Deno.test({
  name:
    "on a full disk the writer goes on, the log ends in a whole line, and every byte is logged or counted",
  ignore,
}, async () => {
  using disk = new SmallDisk();
  Deno.writeTextFileSync(`${disk.directory}/filler`, "takes a page");
  const count = 2000;
  const writing =
    `i=0; while [ $i -lt ${count} ]; do echo "line $i of the many that do not fit"; i=$((i+1)); done`;
  disk.client.spawn(
    1n,
    disk.logged(`${writing}; read x < ${disk.fifo}; echo after; exit 3`),
  );
  await disk.dropped(1);
  const early = parseLog(Deno.readFileSync(`${disk.directory}/0.log`));
  assert.ok(early.length > 0);
  disk.free();
  const { waitStatus, droppedBytes } = await disk.client.event("exited", 1n);
  assert.equal(waitStatus, 3 << 8);
  const entries = readLogs(disk.directory);
  const stdout = decode(streamOf(entries, "stdout"));
  const written = Array.from({ length: count }, (_, index) => `line ${index} of the many that do not fit\n`)
    .join("");
  assert.equal(stdout.length + droppedBytes, written.length + "after\n".length, `dropped ${droppedBytes}`);
});

Deno.test(
  { name: "when space returns the log says how much was dropped, once, before it goes on", ignore },
  async () => {
    using disk = new SmallDisk();
    const script =
      `${WHOLE_PAGE}; read x < ${disk.fifo}; dd if=/dev/zero bs=1k count=20 2>/dev/null | tr '\\0' '\\n'; ` +
      `read x < ${disk.fifo}; echo after; echo again`;
    disk.client.spawn(1n, disk.logged(script));
    await until(() => readable(disk) === 1);
    disk.fill();
    Deno.writeTextFileSync(disk.fifo, "go\n");
    await disk.dropped(20 << 10);
    disk.free();
    const { droppedBytes } = await disk.client.event("exited", 1n);
    assert.equal(droppedBytes, 20 << 10);
    const entries = readLogs(disk.directory).map(({ stream, tag, text }) =>
      `${stream} ${tag} ${decode(text)}`
    );
    assert.deepEqual(entries.slice(1), [
      "stderr F seedpod: dropped 20480 bytes (20480 line ends) that could not be written to this file",
      "stdout F after",
      "stdout F again",
    ]);
    assert.equal(confessedBytes(decode(streamOf(readLogs(disk.directory), "stderr"))), droppedBytes);
  },
);

const readable = (disk: SmallDisk): number => {
  try {
    return readLogs(disk.directory).length;
  } catch {
    return 0; // not there yet
  }
};

Deno.test(
  { name: "a line that the full disk cut in two is ended before the log goes on", ignore },
  async () => {
    using disk = new SmallDisk();
    const script =
      `printf torn; printf 'torn too' >&2; read x < ${disk.fifo}; head -c 20k /dev/zero | tr '\\0' x; ` +
      `read x < ${disk.fifo}; echo end`;
    disk.client.spawn(1n, disk.logged(script));
    await until(() => readable(disk) === 2);
    disk.fill();
    Deno.writeTextFileSync(disk.fifo, "go\n");
    await disk.dropped(20 << 10);
    disk.free();
    await disk.client.event("exited", 1n);
    const entries = readLogs(disk.directory).map(({ stream, tag, text }) =>
      `${stream} ${tag} ${decode(text)}`
    );
    assert.deepEqual(entries.slice(0, 2).sort(), ["stderr P torn too", "stdout P torn"]);
    assert.deepEqual(entries.slice(2), [
      "stdout F ",
      "stderr F ",
      "stderr F seedpod: dropped 20480 bytes (0 line ends) that could not be written to this file",
      "stdout F end",
    ]);
  },
);

Deno.test({ name: "a stream that ends says what was dropped, if it can by then", ignore }, async () => {
  using disk = new SmallDisk();
  const script = `echo before; read x < ${disk.fifo}; head -c 20k /dev/zero; read x < ${disk.fifo}`;
  disk.client.spawn(1n, disk.logged(script));
  await until(() => readable(disk) === 1);
  disk.fill();
  Deno.writeTextFileSync(disk.fifo, "go\n");
  await disk.dropped(20 << 10);
  disk.free();
  const { droppedBytes } = await disk.client.event("exited", 1n);
  assert.equal(confessedBytes(decode(streamOf(readLogs(disk.directory), "stderr"))), droppedBytes);
});
