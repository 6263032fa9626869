import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  holdersOf,
  mayLowerOomScore,
  NAMESPACES,
  namespacesOf,
  podPids,
  processGone,
  sharedKinds,
} from "../support/ns_kernel.ts";
import { containerPids, processStatus, uidOf } from "../support/pod_processes.ts";
import { podTest, type TestRoot } from "../support/pods.ts";

const host = namespacesOf(Deno.pid);
const SLEEP = 'command: [sleep, "1000"]';

/** A pod of containers that sleep, with these further fields of its spec. */
function sleepers(name: string, containers: readonly string[], spec = ""): string {
  const list = containers.map((each) => `  - {name: ${each}, image: host, ${SLEEP}}\n`).join("");
  return `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  ${spec}\n  containers:\n${list}`;
}

podTest(
  "a pod shares net, ipc and uts; mount, pid and cgroup are each container's; none outlives it",
  async (root) => {
    await root.up(`${sleepers("one", ["a", "b"])}---\n${sleepers("two", ["a"])}`);
    const [infra, a, b] = (await podPids(root, "one", "a", "b")).map(namespacesOf) as [Ns, Ns, Ns];
    const [other] = (await podPids(root, "two")).map(namespacesOf) as [Ns];
    deepStrictEqual(sharedKinds(a, b), ["net", "ipc", "uts", "user", "time"]);
    deepStrictEqual(sharedKinds(a, infra), ["net", "ipc", "uts", "user", "time"]);
    deepStrictEqual(sharedKinds(a, host), ["user", "time"]);
    deepStrictEqual(sharedKinds(other, infra), ["user", "cgroup", "time"]);
    const own = [infra, a, b].flatMap((each) => NAMESPACES.map((kind) => each[kind]))
      .filter((each) => !Object.values(host).includes(each));
    ok(holdersOf(own).length > 0, "a pod that runs holds its namespaces");
    await root.ok("down", "--all", "--grace-period", "0");
    deepStrictEqual(holdersOf(own), []);
  },
);

type Ns = ReturnType<typeof namespacesOf>;

podTest(
  "a container is PID 1, sees none of its siblings, and finds its own cgroup at the root",
  async (root) => {
    await root.up(sleepers("one", ["a", "b"]));
    const seen = await root.sh(
      "one",
      "a",
      "cat /proc/1/comm; ls /proc | grep -c '^[0-9]'; cat /proc/1/cgroup",
    );
    const [first, processes, ...cgroups] = seen.trim().split("\n");
    strictEqual(first, "sleep");
    // the sleep, and of the command infra's reaper, the shell, ls and grep; but for their own commands no sibling's
    ok(Number(processes) <= 5, `${processes} processes are seen`);
    ok(cgroups.length > 0);
    for (const line of cgroups) match(line, /^\d+:[^:]*:\/$/);
    const [, a] = await podPids(root, "one", "a");
    strictEqual(processStatus(a!).NSpid?.split(" ").at(-1), "1");
  },
);

podTest(
  "shareProcessNamespace gives the pod one PID namespace, with infra as PID 1 and parent",
  async (root) => {
    await root.up(sleepers("one", ["a", "b"], "shareProcessNamespace: true"));
    const [infra, a, b] = await podPids(root, "one", "a", "b");
    strictEqual(namespacesOf(a!).pid, namespacesOf(infra).pid);
    strictEqual(namespacesOf(b!).pid, namespacesOf(infra).pid);
    notStrictEqual(namespacesOf(a!).pid, host.pid);
    strictEqual(processStatus(infra).NSpid?.split(" ").at(-1), "1");
    strictEqual(processStatus(a!).PPid, String(infra));
    const inside = processStatus(b!).NSpid!.split(" ").at(-1);
    const script = `cat /proc/1/comm /proc/${inside}/comm; grep PPid /proc/${inside}/status`;
    strictEqual(await root.sh("one", "a", script), "infra\nsleep\nPPid:\t1\n");
  },
);

podTest(
  "infra is nearly the last to be killed where memory runs out, and its containers are not",
  async (root) => {
    await root.up(sleepers("one", ["a"]));
    const scores = (await podPids(root, "one", "a")).map((pid) =>
      Deno.readTextFileSync(`/proc/${pid}/oom_score_adj`).trim()
    );
    const own = Deno.readTextFileSync("/proc/self/oom_score_adj").trim();
    deepStrictEqual(scores, [mayLowerOomScore() ? "-998" : own, "1000"]);
  },
);

podTest("hostNetwork and hostIPC leave the container in the machine's namespaces", async (root) => {
  const spec = (field: string) => sleepers(field.toLowerCase(), ["a"], `${field}: true`);
  await root.up(`${spec("hostNetwork")}---\n${spec("hostIPC")}`);
  const [, network] = (await podPids(root, "hostnetwork", "a")).map(namespacesOf);
  deepStrictEqual(sharedKinds(network!, host), ["net", "uts", "user", "time"]);
  const [, ipc] = (await podPids(root, "hostipc", "a")).map(namespacesOf);
  deepStrictEqual(sharedKinds(ipc!, host), ["ipc", "user", "time"]);
  const devices = [...Deno.readDirSync("/sys/class/net")].map(({ name }) => name).sort().join("\n");
  strictEqual((await root.sh("hostnetwork", "a", "ls /sys/class/net")).trim(), devices);
  strictEqual((await root.sh("hostipc", "a", "ls /sys/class/net")).trim(), "lo");
  const name = `seedpod-test-${crypto.randomUUID()}`;
  strictEqual(
    await root.sh("hostipc", "a", `echo here > /dev/shm/${name}; ls /dev/mqueue > /dev/null && echo ok`),
    "ok\n",
  );
  strictEqual(Deno.readTextFileSync(`/dev/shm/${name}`), "here\n");
  Deno.removeSync(`/dev/shm/${name}`);
});

podTest("hostPID shows the machine's processes, and all of the pod's die with infra", async (root) => {
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  hostPID: true
  containers:
  - {name: a, image: host, command: [sleep, "1000"]}
  - {name: b, image: host, command: [sleep, "1000"], securityContext: {runAsUser: 1000, capabilities: {drop: [ALL]}}}
  - {name: c, image: host, command: [sh, -c, 'sleep 1000 & (sleep 1001 &); wait']}
`);
  const uid = await uidOf(root, "one");
  const [infra, a] = await podPids(root, "one", "a");
  strictEqual(namespacesOf(a!).pid, host.pid);
  strictEqual(await root.sh("one", "a", `cat /proc/${Deno.pid}/comm`), "deno\n");
  const pids = ["a", "b", "c"].flatMap((name) => containerPids(root, uid, name));
  ok(pids.length >= 5, `processes ${pids} are there`);
  Deno.kill(infra, "SIGKILL");
  // the first processes by the kernel's hand, what they left behind by seedpod's
  await Promise.all(pids.map(processGone));
});

podTest("loopback is up in every pod, and two pods can listen on one port", async (root) => {
  await root.up(`${sleepers("one", ["a", "b"])}---\n${sleepers("two", ["a"])}`);
  const listen = (name: string) => `
    use Socket; $| = 1;
    for ([AF_INET, pack_sockaddr_in(8080, inet_aton("127.0.0.1"))],
         [AF_INET6, pack_sockaddr_in6(8080, Socket::inet_pton(AF_INET6, "::1"))]) {
      my $s; socket($s, $_->[0], SOCK_STREAM, 0) && bind($s, $_->[1]) && listen($s, 1) or die $!;
      if (fork == 0) { for (;;) { accept(my $c, $s); syswrite $c, "${name}\\n"; close $c } }
    }`;
  const connect = `
    use Socket;
    for ([AF_INET, pack_sockaddr_in(8080, inet_aton("127.0.0.1"))],
         [AF_INET6, pack_sockaddr_in6(8080, Socket::inet_pton(AF_INET6, "::1"))]) {
      my $s; socket($s, $_->[0], SOCK_STREAM, 0) && connect($s, $_->[1]) or die $!;
      print <$s>;
    }`;
  const listener = (pod: string) =>
    root.command(["exec", pod, "-c", "a", "--", "perl", "-e", `${listen(pod)}; print "ready\\n"; sleep`], {
      stdout: "piped",
    }).spawn();
  const listeners = ["one", "two"].map(listener);
  const readers = listeners.map((each) => each.stdout.getReader());
  for (const reader of readers) strictEqual(new TextDecoder().decode((await reader.read()).value), "ready\n");
  strictEqual(await root.ok("exec", "one", "-c", "b", "--", "perl", "-e", connect), "one\none\n");
  strictEqual(await root.ok("exec", "two", "--", "perl", "-e", connect), "two\ntwo\n");
  await root.ok("down", "--all", "--grace-period", "0");
  await Promise.all(listeners.map((each, index) => readers[index]!.cancel().then(() => each.status)));
});

podTest(
  "the containers of a pod share /dev/shm of 64 MiB and /dev/mqueue; another pod has its own",
  async (root) => {
    await root.up(`${sleepers("one", ["a", "b"])}---\n${sleepers("two", ["a"])}`);
    await root.sh("one", "a", "echo here > /dev/shm/memory; touch /dev/mqueue/queue");
    strictEqual(await root.sh("one", "b", "cat /dev/shm/memory; ls /dev/mqueue"), "here\nqueue\n");
    strictEqual(await root.sh("two", "a", "ls /dev/shm /dev/mqueue"), "/dev/mqueue:\n\n/dev/shm:\n");
    strictEqual(
      await root.sh("one", "a", "stat -f -c '%b %S' /dev/shm"),
      `${64 * 1024 * 1024 / 4096} 4096\n`,
    );
  },
);

podTest(
  "safe sysctls are set in the pod alone, and others are refused before anything starts",
  async (root) => {
    const name = "net.ipv4.ip_unprivileged_port_start";
    const before = Deno.readTextFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    const sysctls = (list: string) => sleepers("one", ["a"], `securityContext: {sysctls: [${list}]}`);
    await root.up(sysctls(`{name: ${name}, value: "80"}, {name: kernel.shm_rmid_forced, value: "1"}`));
    const files =
      `cd /proc/sys; cat net/ipv4/ip_unprivileged_port_start kernel/shm_rmid_forced net/ipv4/ping_group_range`;
    strictEqual(await root.sh("one", "a", files), "80\n1\n0\t2147483647\n");
    strictEqual(Deno.readTextFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start"), before);
    const refused = await up(
      root,
      sysctls("{name: kernel.msgmax, value: '1'}").replace("name: one", "name: two"),
    );
    match(refused, /the sysctl "kernel.msgmax" is not in Kubernetes' safe set/);
    strictEqual((await root.pods()).length, 1);
  },
);

/** What `up -d` says of a manifest that it must refuse. */
async function up(root: TestRoot, text: string): Promise<string> {
  const said = await root.run(["up", "-d", root.manifest(text)]);
  strictEqual(said.code, 1, said.stdout + said.stderr);
  return said.stderr;
}

podTest(
  "the time annotations set the clocks of all containers of a pod off against the machine's",
  async (root) => {
    const annotations =
      "annotations: {time.seedpod.dev/boottime-offset: 1000h, time.seedpod.dev/monotonic-offset: '-1.5'}";
    await root.up(sleepers("one", ["a", "b"]).replace("{name: one}", `{name: one, ${annotations}}`));
    const [, a, b] = (await podPids(root, "one", "a", "b")).map(namespacesOf) as [Ns, Ns, Ns];
    strictEqual(a.time, b.time);
    notStrictEqual(a.time, host.time);
    for (const container of ["a", "b"]) {
      const script = "cut -d. -f1 /proc/uptime; cat /proc/1/timens_offsets";
      const [uptime, ...offsets] = (await root.sh("one", container, script)).trim().split("\n");
      const ahead = Number(uptime) - 3_600_000 - Number(Deno.readTextFileSync("/proc/uptime").split(".")[0]);
      ok(Math.abs(ahead) <= 2, `${uptime} is not a thousand hours more than the machine's uptime`);
      const fields = offsets.map((line) => line.trim().split(/\s+/).join(" "));
      deepStrictEqual(fields, ["monotonic -2 500000000", "boottime 3600000 0"]);
    }
  },
);

podTest("a clock below zero is refused with its reason", async (root) => {
  const annotations = "annotations: {time.seedpod.dev/boottime-offset: '-9000000000'}";
  const said = await up(root, sleepers("one", ["a"]).replace("{name: one}", `{name: one, ${annotations}}`));
  match(said, /set the offsets of the pod's clocks: .*\(ERANGE\)/);
});
