import assert from "node:assert/strict";
import { errnoNumber, FLAGS } from "../../runner/base/mod.ts";
import { takeDescriptor } from "../../runner/infra/mod.ts";
import { call, ProgramBuilder, text } from "../../runner/plan/mod.ts";
import { connectUnix, syscall } from "../../runner/sys/mod.ts";
import { openDirectory, openPipe, programFd, shell, TestInfra, until } from "../support/infra_pod.ts";
import { childrenOf, descendantsOf } from "../support/infra_proc.ts";

const ignore = Deno.uid() !== 0;
const MESSAGE_BYTES = 128;
const MAX_CLIENTS = 16;
const MAX_PROCESSES = 128;

const descriptorsOf = (pid: number): string[] =>
  [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      return [Deno.readLinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return []; // closed in between
    }
  });

Deno.test({ name: "infra holds only descriptors of its own", ignore }, () => {
  using infra = new TestInfra();
  const kinds = descriptorsOf(infra.pid).map((target) => target.replace(/\[\d+\]/, "[N]")).sort();
  assert.deepEqual(
    kinds,
    [
      "/dev/null",
      "/dev/null",
      "/dev/null",
      "anon_inode:[eventpoll]",
      "anon_inode:[signalfd]",
      "pidfd:[N]",
      "socket:[N]",
    ].map((kind) => kind === "pidfd:[N]" && !kinds.includes(kind) ? "anon_inode:[pidfd]" : kind).sort(),
  );
});

Deno.test({
  name: "infra closes what a message passed and it does not keep, and what it kept when it forgets",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  await client.list();
  const before = descriptorsOf(infra.pid).length;
  const logs = Deno.makeTempDirSync({ dir: infra.directory });
  using directory = openDirectory("/");
  for (let id = 1n; id <= 20n; id++) {
    const log = { directory: logs, attempt: 0, maxBytes: 1000, maxFiles: 2 };
    await client.run(id, {
      ...shell("echo x"),
      log,
      descriptors: [directory, directory],
      request: { keep: [1, 2] },
    });
    client.spawn(id + 100n, { argv: ["/missing"], log, descriptors: [directory] });
    await client.event("failed", id + 100n);
    client.spawn(id + 200n, { ...shell("true"), request: { cgroup: 0 } }); // clone3 itself fails
    await client.event("failed", id + 200n);
  }
  assert.deepEqual(await client.list(), []);
  assert.equal(descriptorsOf(infra.pid).length, before);
});

Deno.test({ name: "infra is not dumpable: another user sees nothing of it", ignore }, () => {
  using infra = new TestInfra();
  for (const name of ["fd", "maps", "mem", "environ"]) {
    assert.equal(Deno.statSync(`/proc/${infra.pid}/${name}`).uid, 0);
  }
  const look = `cat /proc/${infra.pid}/maps || ls /proc/${infra.pid}/fd || readlink /proc/${infra.pid}/exe`;
  const { success } = new Deno.Command("sh", {
    args: ["-c", look],
    uid: 65534,
    gid: 65534,
    stderr: "null",
    stdout: "null",
  }).outputSync();
  assert.equal(success, false);
});

Deno.test({ name: "signals from inside the PID namespace do not end infra", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const script = "i=1; while [ $i -lt 65 ]; do kill -$i 1 2>/dev/null; i=$((i+1)); done; exit 0";
  assert.equal(await client.run(1n, shell(script)), 0);
  assert.deepEqual(await client.list(), []);
});

Deno.test({ name: "shutdown() ends every process of the PID namespace", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  client.spawn(1n, { ...shell("setsid sleep 1000 & trap '' TERM; sleep 1000"), ownPid: true });
  client.spawn(2n, shell("setsid sleep 1000 & sleep 1000"));
  await client.event("spawned", 1n);
  await client.event("spawned", 2n);
  await until(() => descendantsOf(infra.pid).length >= 4);
  const all = descendantsOf(infra.pid);
  client.client.shutdown();
  await client.ended();
  const lives = (pid: number) => {
    try {
      return !Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ");
    } catch {
      return false;
    }
  };
  await until(() => !all.some(lives) && !infra.alive);
});

Deno.test({
  name: "takeDescriptor() gives the first kept descriptor of a process, as often as asked",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const [read, write] = openPipe();
  client.spawn(1n, { ...shell("sleep 1000"), descriptors: [write], request: { keep: [1] } });
  client.spawn(2n, shell("sleep 1000"));
  await client.event("spawned", 1n);
  await client.event("spawned", 2n);
  write.close();
  for (const text of ["a", "b"]) {
    using taken = takeDescriptor(infra.directoryFd, 1n);
    assert.ok(taken);
    syscall("write", "write", taken.number, new TextEncoder().encode(text), 1);
  }
  const answer = new Uint8Array(new ArrayBuffer(8));
  assert.equal(syscall("read", "read", read.number, answer, 8), 2);
  assert.equal(new TextDecoder().decode(answer.subarray(0, 2)), "ab");
  assert.equal(takeDescriptor(infra.directoryFd, 2n), undefined);
  assert.equal(takeDescriptor(infra.directoryFd, 3n), undefined);
  read.close();
});

Deno.test({
  name: "a full table refuses with EAGAIN, is listed whole, and has room again after an ack",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  for (let id = 1; id <= MAX_PROCESSES; id++) client.spawn(BigInt(id), shell("exit 0"));
  for (let id = 1; id <= MAX_PROCESSES; id++) await client.event("exited", BigInt(id));
  client.spawn(1000n, shell("exit 0"));
  const failed = await client.event("failed", 1000n);
  assert.deepEqual([failed.step, failed.errno], [-1, errnoNumber("EAGAIN")]);
  assert.equal((await client.list()).length, MAX_PROCESSES);
  client.client.ack(17n);
  assert.equal(await client.run(1001n, shell("exit 4")), 4 << 8);
});

Deno.test({
  name: "infra serves sixteen clients, tells each of every exit, and turns the seventeenth away",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using stack = new DisposableStack();
  const clients = Array.from({ length: MAX_CLIENTS }, () => stack.use(infra.connect()));
  for (const client of clients) await client.list();
  using seventeenth = infra.connect();
  await seventeenth.ended();
  clients[3]!.spawn(1n, shell("exit 9"));
  for (const client of clients) assert.equal((await client.event("exited", 1n)).waitStatus, 9 << 8);
  clients[5]!.client.close();
  await until(() =>
    descriptorsOf(infra.pid).filter((target) => target.startsWith("socket:")).length === MAX_CLIENTS
  );
  using another = infra.connect();
  assert.equal((await another.list()).length, 1);
});

Deno.test({ name: "a client that does not read is dropped, and disturbs nobody", ignore }, async () => {
  using infra = new TestInfra();
  using silent = connectUnix(infra.directoryFd, "infra.sock");
  assert.ok(silent);
  using client = infra.connect();
  await client.list();
  const sockets = () => descriptorsOf(infra.pid).filter((target) => target.startsWith("socket:")).length;
  assert.equal(sockets(), 3);
  for (let id = 1n; sockets() === 3; id++) await client.run(id, shell("exit 0"));
  assert.equal(await client.run(1_000n, shell("exit 8")), 8 << 8);
});

Deno.test(
  { name: "garbage on the socket drops the client that sent it, and nobody else", ignore },
  async () => {
    using infra = new TestInfra();
    using client = infra.connect();
    await client.list();
    for (const length of [1, MESSAGE_BYTES - 1, MESSAGE_BYTES + 1]) {
      using garbage = connectUnix(infra.directoryFd, "infra.sock");
      assert.ok(garbage);
      syscall("write", "write", garbage.number, new Uint8Array(new ArrayBuffer(length)).fill(0xee), length);
      await until(() =>
        descriptorsOf(infra.pid).filter((target) => target.startsWith("socket:")).length === 2
      );
    }
    assert.deepEqual(await client.list(), []);
  },
);

Deno.test({ name: "a request of an unknown type is passed over", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  using stranger = connectUnix(infra.directoryFd, "infra.sock");
  assert.ok(stranger);
  const message = new Uint8Array(new ArrayBuffer(MESSAGE_BYTES)).fill(0x7f);
  syscall("write", "write", stranger.number, message, MESSAGE_BYTES);
  assert.deepEqual(await client.list(), []);
  assert.equal(childrenOf(infra.pid).length, 0);
});

Deno.test({
  name: "a client that goes while a child hangs before its execve does not keep infra busy",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const fifo = `${infra.directory}/fifo`;
  new Deno.Command("mkfifo", { args: [fifo] }).outputSync();
  const passing = infra.connect();
  await passing.list();
  const builder = new ProgramBuilder();
  builder.add("wait for a writer that never comes", call("openat", "AT_FDCWD", text(fifo), "O_RDONLY", 0));
  using program = programFd(builder.build());
  client.client.spawn({ id: 1n, cloneFlags: 0 }, program, []);
  assert.equal((await client.list())[0]?.state, "starting");
  passing.client.close();
  await until(() => descriptorsOf(infra.pid).filter((target) => target.startsWith("socket:")).length === 2);
  const runNs = (): number => Number(Deno.readTextFileSync(`/proc/${infra.pid}/schedstat`).split(" ")[0]);
  const before = runNs();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(runNs() - before < 10_000_000, `${runNs() - before} ns`);
  client.client.kill(1n, 9);
  assert.equal((await client.event("exited", 1n)).waitStatus, 9);
});

Deno.test({
  name: "infra outside a PID namespace of its own shrugs off signals and reaps orphans as well",
  ignore,
}, async () => {
  using infra = new TestInfra({ cloneFlags: FLAGS.CLONE_NEWNS });
  using client = infra.connect();
  // once it answers it has blocked its signals; between its execve and that it is like any other process
  assert.equal(await client.run(2n, shell("exit 0")), 0);
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGPIPE", "SIGUSR1", "SIGSEGV"] as const) {
    Deno.kill(infra.pid, signal);
  }
  assert.equal(await client.run(1n, shell("(sleep 1000 &); exit 2")), 2 << 8);
  await until(() => childrenOf(infra.pid).length === 1); // the orphan
  Deno.kill(childrenOf(infra.pid)[0]!, "SIGKILL");
  await until(() => childrenOf(infra.pid).length === 0);
});
