import assert from "node:assert/strict";
import { errnoNumber, FLAGS } from "../../runner/base/mod.ts";
import { call, ProgramBuilder, text } from "../../runner/plan/mod.ts";
import { openMemfd } from "../../runner/sys/mod.ts";
import { openDirectory, programFd, shell, TestInfra, until } from "../support/infra_pod.ts";
import { childrenOf, processStatus } from "../support/infra_proc.ts";

const ignore = Deno.uid() !== 0;
const exitStatus = (code: number): number => code << 8;

Deno.test({ name: "spawn() tells the start and the exit status of a process", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  client.spawn(1n, shell("exit 3"));
  const { pid } = await client.event("spawned", 1n);
  assert.ok(pid > 1);
  const exit = await client.event("exited", 1n);
  assert.equal(exit.waitStatus, exitStatus(3));
  assert.ok(Math.abs(exit.finishedMs - Date.now()) < 60_000);
});

Deno.test({ name: "spawn() tells the signal that ended a process", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  assert.equal(await client.run(1n, shell("kill -9 $$")), 9);
});

Deno.test({ name: "kill() sends the signal asked", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  client.spawn(1n, shell("sleep 1000"));
  await client.event("spawned", 1n);
  client.client.kill(1n, 10);
  assert.equal((await client.event("exited", 1n)).waitStatus, 10);
  client.client.kill(1n, 9); // of a process that has been reaped: nothing happens, to nobody
  client.client.kill(77n, 9); // unknown
  assert.equal((await client.list()).length, 1);
});

Deno.test({
  name: "spawn() starts a process with no signal blocked or ignored and with three descriptors",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  client.spawn(1n, { argv: ["/bin/sleep", "1000"] });
  const { pid } = await client.event("spawned", 1n);
  const host = infra.hostPid(pid);
  const status = processStatus(host);
  assert.equal(BigInt(`0x${status.get("SigBlk")}`), 0n);
  assert.equal(BigInt(`0x${status.get("SigIgn")}`), 0n);
  const open = () => [...Deno.readDirSync(`/proc/${host}/fd`)].map((entry) => entry.name).sort();
  await until(() => open().join() === "0,1,2"); // its dynamic linker has others for a moment
});

Deno.test({ name: "spawn() takes a hundred processes at once and loses no exit", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  for (let index = 0n; index < 100n; index++) client.spawn(index + 1n, shell(`exit ${index}`));
  for (let index = 0; index < 100; index++) {
    assert.equal((await client.event("exited", BigInt(index + 1))).waitStatus, exitStatus(index));
  }
  for (let index = 0n; index < 100n; index++) client.client.ack(index + 1n);
  assert.deepEqual(await client.list(), []);
});

Deno.test({
  name: "spawn() tells which step of the program failed and why, and frees the name at once",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const builder = new ProgramBuilder();
  builder.add("tolerated", call("openat", "AT_FDCWD", text("/missing"), 0, 0), {
    tolerate: ["EACCES", "ENOENT"],
  });
  builder.add("goes well", call("getpid"));
  builder.add("fails", call("openat", "AT_FDCWD", text("/etc/passwd/x"), 0, 0));
  using program = programFd(builder.build());
  client.client.spawn({ id: 5n, cloneFlags: 0 }, program, []);
  const failed = await client.event("failed", 5n);
  assert.deepEqual([failed.step, failed.errno], [2, errnoNumber("ENOTDIR")]);
  assert.equal(await client.run(5n, shell("exit 0")), 0);
  assert.deepEqual(await client.list(), []);
});

Deno.test({ name: "spawn() tells a failing execve as a failed step", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  client.spawn(1n, { argv: ["/missing"] });
  const failed = await client.event("failed", 1n);
  assert.deepEqual([failed.step, failed.errno], [0, errnoNumber("ENOENT")]);
  assert.ok(!client.events.some((event) => event?.type === "spawned" || event?.type === "exited"));
});

Deno.test({
  name: "spawn() passes over steps after a success, checks answers, and keeps and stores results",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const builder = new ProgramBuilder();
  const word = { kind: "data", bytes: new Uint8Array(4), text: "word" } as const;
  const first = builder.add("open", call("openat", "AT_FDCWD", text("/"), "O_DIRECTORY", 0), {
    skipOnSuccess: 1,
  });
  builder.add("is passed over", call("openat", "AT_FDCWD", text("/missing"), 0, 0));
  builder.add("put into its place", call("dup3", { kind: "result", step: first }, 99, 0), {
    resultInto: first,
    store: { in: word, at: 0 },
  });
  builder.add("is stored", { check: word, offset: 0, mask: 0xff, equals: 99, errno: "EDQUOT" });
  builder.add("uses the new result", call("dup3", { kind: "result", step: first }, 98, 0));
  builder.add("is not so", { check: word, offset: 0, mask: 0xff, equals: 98, errno: "ESTALE" });
  using program = programFd(builder.build());
  client.client.spawn({ id: 1n, cloneFlags: 0 }, program, []);
  const failed = await client.event("failed", 1n);
  assert.deepEqual([failed.step, failed.errno], [5, errnoNumber("ESTALE")]);
});

Deno.test({ name: "spawn() refuses a program that does not end in an execve", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const builder = new ProgramBuilder();
  builder.add("nothing", call("getpid"));
  using program = programFd(builder.build());
  client.client.spawn({ id: 1n, cloneFlags: 0 }, program, []);
  const failed = await client.event("failed", 1n);
  assert.deepEqual([failed.step, failed.errno], [-1, errnoNumber("ENOEXEC")]);
});

Deno.test(
  { name: "spawn() tells the exit alone of a child that dies before its execve", ignore },
  async () => {
    using infra = new TestInfra();
    using client = infra.connect();
    const builder = new ProgramBuilder();
    const self = builder.add("get its PID", call("getpid"));
    builder.add("die", call("kill", { kind: "result", step: self }, "SIGKILL"));
    builder.add("execute", call("execve", text("/bin/true"), 0, 0));
    using program = programFd(builder.build());
    client.client.spawn({ id: 1n, cloneFlags: 0 }, program, []);
    assert.equal((await client.event("exited", 1n)).waitStatus, 9);
    assert.ok(!client.events.some((event) => event?.type === "spawned"));
  },
);

Deno.test({
  name: "spawn() refuses a name that is in use, flags that are no namespaces, and what is no program",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  client.spawn(1n, shell("sleep 1000"));
  await client.event("spawned", 1n);
  const refused = async (id: bigint, start: () => void): Promise<number> => {
    start();
    const failed = await client.event("failed", id);
    assert.equal(failed.step, -1);
    return failed.errno;
  };
  assert.equal(await refused(1n, () => client.spawn(1n, shell("true"))), errnoNumber("EEXIST"));
  const CLONE_VFORK = 0x4000;
  const vfork = () => client.spawn(2n, { ...shell("true"), request: { cloneFlags: CLONE_VFORK } });
  assert.equal(await refused(2n, vfork), errnoNumber("EINVAL"));
  using short = openMemfd("program", new Uint8Array(31));
  const noProgram = () => client.client.spawn({ id: 3n, cloneFlags: 0 }, short, []);
  assert.equal(await refused(3n, noProgram), errnoNumber("EINVAL"));
  using zeros = openMemfd("program", new Uint8Array(64));
  const wrongMagic = () => client.client.spawn({ id: 4n, cloneFlags: 0 }, zeros, []);
  assert.equal(await refused(4n, wrongMagic), errnoNumber("EINVAL"));
  const notRunning = () => client.spawn(6n, { ...shell("true"), request: { enter: 99n } });
  assert.equal(await refused(6n, notRunning), errnoNumber("ESRCH"));
  const noCgroup = () => client.spawn(7n, { ...shell("true"), request: { cgroup: 0 } });
  assert.equal(await refused(7n, noCgroup), errnoNumber("EBADF"));
  const noUserNamespace = () => client.spawn(8n, { ...shell("true"), request: { userNamespace: 0 } });
  assert.equal(await refused(8n, noUserNamespace), errnoNumber("EINVAL"));
});

Deno.test({ name: "spawn() tells the PID before anything else when asked", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  client.spawn(1n, { ...shell("exit 0"), request: { tellPid: true } });
  const state = await client.event("state", 1n);
  assert.equal(state.state, "starting");
  const spawned = await client.event("spawned", 1n);
  assert.equal(state.pid, spawned.pid);
});

Deno.test({ name: "spawn() has the child born in the cgroup that is passed", ignore }, async () => {
  const mount = Deno.readTextFileSync("/proc/self/mounts").split("\n").find((line) =>
    line.split(" ")[2] === "cgroup2"
  );
  assert.ok(mount, "no cgroup v2 hierarchy is mounted");
  const path = `${mount.split(" ")[1]}/seedpod-infra-test-${Deno.pid}`;
  Deno.mkdirSync(path);
  try {
    using infra = new TestInfra();
    using client = infra.connect();
    using cgroup = openDirectory(path);
    client.spawn(1n, { ...shell("sleep 1000"), descriptors: [cgroup], request: { cgroup: 1 } });
    const { pid } = await client.event("spawned", 1n);
    const host = infra.hostPid(pid);
    assert.match(
      Deno.readTextFileSync(`/proc/${host}/cgroup`),
      new RegExp(`^0::.*/seedpod-infra-test-${Deno.pid}$`, "m"),
    );
    client.client.kill(1n, 9);
    await client.event("exited", 1n);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test({
  name: "infra keeps exits until they are acknowledged, for whoever comes after the client that asked",
  ignore,
}, async () => {
  using infra = new TestInfra();
  {
    using first = infra.connect();
    first.spawn(1n, shell("exit 7"));
    first.spawn(2n, shell("sleep 1000"));
    await first.event("exited", 1n);
    await first.event("spawned", 2n);
  }
  using second = infra.connect();
  const states = await second.list();
  assert.deepEqual(
    states.map(({ id, state, waitStatus }) => [id, state, state === "exited" ? waitStatus : 0]).sort(),
    [
      [1n, "exited", exitStatus(7)],
      [2n, "running", 0],
    ],
  );
  second.client.ack(2n); // still runs: nothing to acknowledge
  second.client.ack(1n);
  assert.deepEqual((await second.list()).map(({ id, state }) => [id, state]), [[2n, "running"]]);
});

Deno.test(
  { name: "infra forgets an ephemeral process when it has ended and its client has gone", ignore },
  async () => {
    using infra = new TestInfra();
    using other = infra.connect();
    {
      using client = infra.connect();
      client.spawn(1n, { ...shell("exit 0"), request: { ephemeral: true } });
      client.spawn(2n, { ...shell("sleep 1000"), request: { ephemeral: true } });
      await client.event("exited", 1n);
      await client.event("spawned", 2n);
      assert.equal((await other.list()).length, 2);
    }
    await until(async () => (await other.list()).length === 1);
    other.client.kill(2n, 9);
    await other.event("exited", 2n);
    await until(async () => (await other.list()).length === 0);
  },
);

Deno.test({ name: "infra reaps orphans", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const orphans = "for i in 1 2 3 4 5 6 7 8; do (sleep 0.05 & sleep 0.01 &) ; done; exit 0";
  assert.equal(await client.run(1n, shell(orphans)), 0);
  await until(() => childrenOf(infra.pid).length === 0);
});

Deno.test({
  name: "infra keeps the entry of a process whose output an orphan holds until the exit is acknowledged",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  client.spawn(1n, { ...shell("sleep 1000 & exit 0"), piped: true });
  await client.event("exited", 1n);
  const descriptors = () => [...Deno.readDirSync(`/proc/${infra.pid}/fd`)].length;
  const held = descriptors();
  assert.equal((await client.list()).length, 1);
  client.client.ack(1n);
  assert.deepEqual(await client.list(), []);
  assert.equal(descriptors(), held - 2);
});

Deno.test({ name: "spawn() gives the asked namespaces to the child", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const { CLONE_NEWUTS, CLONE_NEWTIME, CLONE_NEWCGROUP } = FLAGS;
  client.spawn(1n, {
    ...shell("sleep 1000"),
    request: { cloneFlags: CLONE_NEWUTS | CLONE_NEWTIME | CLONE_NEWCGROUP },
  });
  const host = infra.hostPid((await client.event("spawned", 1n)).pid);
  for (
    const [name, differs] of [["uts", true], ["time", true], ["cgroup", true], ["net", false], [
      "pid",
      false,
    ]] as const
  ) {
    const own = Deno.readLinkSync(`/proc/${host}/ns/${name}`);
    assert.equal(own !== Deno.readLinkSync(`/proc/${infra.pid}/ns/${name}`), differs, name);
  }
});
