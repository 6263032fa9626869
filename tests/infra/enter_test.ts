import assert from "node:assert/strict";
import { errnoNumber } from "../../runner/base/mod.ts";
import { shell, type TestClient, TestInfra, until } from "../support/infra_pod.ts";
import { childrenOf, descendantsOf, processStatus } from "../support/infra_proc.ts";

const ignore = Deno.uid() !== 0;

/** A container with a PID namespace of its own, process 1; gives its first process's PID on the host. */
async function startContainer(infra: TestInfra, client: TestClient): Promise<number> {
  client.spawn(1n, { ...shell("echo $$; sleep 1000; exit 0"), ownPid: true });
  return infra.hostPid((await client.event("spawned", 1n)).pid);
}

const commandLine = (pid: number): string => {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  } catch {
    return ""; // it has ended in between
  }
};

Deno.test({
  name: "spawn() into a container gives the new process the container's PIDs and a reaper as parent",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  const container = await startContainer(infra, client);
  const script =
    'test "$(cat /proc/1/cmdline | tr "\\0" " ")" = "/bin/busybox sh -c echo \\$\\$; sleep 1000; exit 0 "' +
    ' && test $PPID -gt 1 && test "$(cat /proc/$PPID/comm)" = infra && exit 42';
  assert.equal(await client.run(2n, { ...shell(script), enter: 1n }), 42 << 8);
  const inside = Deno.readLinkSync(`/proc/${container}/ns/pid`);
  client.spawn(3n, { ...shell("sleep 1000"), enter: 1n });
  const reaper = infra.hostPid((await client.event("spawned", 3n)).pid);
  assert.equal(Deno.readLinkSync(`/proc/${reaper}/ns/pid`), inside);
  assert.equal(processStatus(reaper).get("PPid"), String(infra.pid));
  assert.equal(
    Deno.readLinkSync(`/proc/${infra.pid}/ns/pid_for_children`),
    Deno.readLinkSync(`/proc/${infra.pid}/ns/pid`),
  );
});

Deno.test({ name: "a reaper leaves no zombies of a command that forks twice", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  await startContainer(infra, client);
  client.spawn(2n, { ...shell("(sleep 0.02 &); (sleep 0.01 &); sleep 1000; exit 0"), enter: 1n });
  const reaper = infra.hostPid((await client.event("spawned", 2n)).pid);
  const below = () => descendantsOf(reaper).map(commandLine);
  await until(() => below().length === 2 && below()[1] === "sleep 1000"); // the shell and its sleep, no zombie
});

Deno.test({
  name: "a reaper tells the command's end at once and lives on with its background children",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  await startContainer(infra, client);
  client.spawn(2n, { ...shell("setsid sleep 1000 & exit 5"), enter: 1n });
  const { pid } = await client.event("spawned", 2n);
  const reaper = infra.hostPid(pid);
  assert.equal((await client.event("exited", 2n)).waitStatus, 5 << 8);
  await until(() => childrenOf(reaper).map(commandLine).join() === "sleep 1000");
  client.client.kill(2n, 9); // not acknowledged yet: all that is below can still be killed
  await until(() => !childrenOf(infra.pid).includes(reaper));
  assert.equal(client.events.filter((event) => event?.type === "exited" && event.id === 2n).length, 1);
  client.client.ack(2n);
  assert.deepEqual((await client.list()).map(({ id }) => id), [1n]);
});

Deno.test({
  name: "an acknowledged exit takes no place in the table although a background child lives on",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  await startContainer(infra, client);
  for (let id = 2n; id < 6n; id++) {
    assert.equal(await client.run(id, { ...shell("sleep 1000 & exit 0"), enter: 1n }), 0);
  }
  assert.deepEqual((await client.list()).map(({ id }) => id), [1n]);
  assert.equal(childrenOf(infra.pid).length, 5);
  client.client.kill(1n, 9); // the container's end is theirs too, and infra reaps the reapers that it no longer knows
  await client.event("exited", 1n);
  await until(() => childrenOf(infra.pid).length === 0);
});

Deno.test({
  name: "kill() of a command below a reaper kills all that it started, in whatever session",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  await startContainer(infra, client);
  const script =
    "setsid sh -c 'setsid sleep 1000 & sleep 1000' & (setsid sleep 1000 &) ; trap '' TERM; sleep 1000; sleep 1000";
  client.spawn(2n, { ...shell(script), enter: 1n });
  const reaper = infra.hostPid((await client.event("spawned", 2n)).pid);
  await until(() => descendantsOf(reaper).filter((pid) => commandLine(pid) === "sleep 1000").length === 4);
  const all = descendantsOf(reaper);
  client.client.kill(2n, 15);
  assert.equal((await client.event("exited", 2n)).waitStatus, 9);
  client.client.ack(2n);
  await until(() => [reaper, ...all].every((pid) => commandLine(pid) === ""));
});

Deno.test(
  { name: "kill() of a command that is about to get a reaper leaves nothing behind", ignore },
  async () => {
    using infra = new TestInfra();
    using client = infra.connect();
    const container = await startContainer(infra, client);
    const before = childrenOf(infra.pid).length;
    for (let id = 10n; id < 60n; id++) {
      client.spawn(id, { ...shell("setsid sleep 1000 & sleep 1000"), enter: 1n });
      client.client.kill(id, 9);
    }
    for (let id = 10n; id < 60n; id++) {
      const { waitStatus } = await client.event("exited", id);
      assert.ok(waitStatus === 9 || waitStatus === 15, `status ${waitStatus}`);
      client.client.ack(id);
    }
    await until(() => childrenOf(infra.pid).length === before);
    assert.deepEqual(childrenOf(container).map(commandLine), ["sleep 1000"]);
  },
);

Deno.test(
  { name: "kill() reaches more descendants than one look at the list of children shows", ignore },
  async () => {
    using infra = new TestInfra();
    using client = infra.connect();
    await startContainer(infra, client);
    const script = "i=0; while [ $i -lt 1200 ]; do sleep 1000 & i=$((i+1)); done; exec sleep 1000";
    client.spawn(2n, { ...shell(script), enter: 1n });
    const reaper = infra.hostPid((await client.event("spawned", 2n)).pid);
    await until(() => descendantsOf(reaper).length >= 1201);
    client.client.kill(2n, 9);
    await client.event("exited", 2n);
    await until(() => childrenOf(infra.pid).length === 1);
  },
);

Deno.test(
  { name: "spawn() under a reaper tells a failing execve, and the reaper goes", ignore },
  async () => {
    using infra = new TestInfra();
    using client = infra.connect();
    await startContainer(infra, client);
    client.spawn(2n, { argv: ["/missing"], enter: 1n });
    const failed = await client.event("failed", 2n);
    assert.deepEqual([failed.step, failed.errno], [3, errnoNumber("ENOENT")]);
    await until(() => childrenOf(infra.pid).length === 1);
    assert.ok(!client.events.some((event) => event?.type === "exited"));
  },
);

Deno.test({ name: "a command below a reaper ends with its container", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  await startContainer(infra, client);
  client.spawn(2n, { ...shell("sleep 1000"), enter: 1n });
  await client.event("spawned", 2n);
  client.client.kill(1n, 9);
  assert.equal((await client.event("exited", 2n)).waitStatus, 9);
  assert.equal((await client.event("exited", 1n)).waitStatus, 9);
  client.spawn(3n, { ...shell("sleep 1000"), enter: 1n });
  assert.equal((await client.event("failed", 3n)).errno, errnoNumber("ESRCH"));
});

Deno.test({
  name: "a reaper holds no descriptor but its pipe and its list of children, and cannot be looked into",
  ignore,
}, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  await startContainer(infra, client);
  client.spawn(2n, { ...shell("sleep 1000"), enter: 1n, piped: true });
  const reaper = infra.hostPid((await client.event("spawned", 2n)).pid);
  const targets = [...Deno.readDirSync(`/proc/${reaper}/fd`)].map(({ name }) =>
    Deno.readLinkSync(`/proc/${reaper}/fd/${name}`)
  );
  assert.deepEqual(targets.sort().map((target) => target.replace(/\d+/g, "N")), [
    "/proc/N/task/N/children",
    "pipe:[N]",
  ]);
});
