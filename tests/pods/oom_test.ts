import { deepEqual, ok, strictEqual } from "node:assert/strict";
import type { Pod } from "../../schema/kubernetes/mod.ts";
import { cgroupDirectoryOf, cgroupProcesses, CGROUPS, cgroupText, FILES } from "../support/cgroup_files.ts";
import { podTest } from "../support/pods.ts";

/** Takes 64 MiB of memory as the process itself. */
const EAT = `perl -e '$x = "a" x (1 << 26)'`;

function pod(name: string, script: string, restartPolicy = "Never"): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: ${restartPolicy}
  containers:
  - name: main
    image: host
    command: [sh, -c, ${JSON.stringify(script)}]
    resources: {limits: {memory: 32Mi}}
`;
}

function ended({ status }: Pod): boolean {
  return status?.containerStatuses?.[0]?.state?.terminated !== undefined;
}

function endOf({ status }: Pod): [exitCode: number | undefined, reason: string | undefined] {
  const { terminated } = status?.containerStatuses?.[0]?.state ?? {};
  return [terminated?.exitCode, terminated?.reason];
}

podTest(
  "OOMKilled is told of a main process that the OOM killer killed, and of no other end",
  async (root) => {
    const manifest = root.manifest([
      pod("main", `exec ${EAT}`),
      pod("signal", "exec sleep 1000"),
      pod("exit", `${EAT}; exit 137`),
    ].join("---"));
    await root.run(["up", "-d", manifest]);
    deepEqual(endOf(await root.until("main", ended)), [137, "OOMKilled"]);
    const victim = await root.pod("signal");
    for (const pid of cgroupProcesses(root, victim, "main")) Deno.kill(pid, "SIGKILL");
    deepEqual(endOf(await root.until("signal", ended)), [137, "Error"]);
    // where memory.oom.group is, a child takes the main process along, and that is a death by the OOM killer
    const together = CGROUPS.controllers.memory?.version === 2;
    const exit = endOf(await root.until("exit", ended));
    deepEqual(exit, [137, together ? "OOMKilled" : "Error"]);
  },
);

podTest(
  "a child that the OOM killer killed takes the whole container along where the kernel can, else it lives",
  async (root) => {
    const manifest = root.manifest(pod("child", `${EAT}; echo $? >/dev/termination-log; sleep 1000`));
    await root.run(["up", "-d", manifest]);
    if (CGROUPS.controllers.memory?.version === 2) {
      deepEqual(endOf(await root.until("child", ended)), [137, "OOMKilled"]);
      return;
    }
    let killed = await root.pod("child");
    const control = () => `${cgroupDirectoryOf(root, killed, "main", "memory")}/memory.oom_control`;
    const deadlineMs = performance.now() + 20_000;
    while (!Deno.readTextFileSync(control()).includes("oom_kill 1")) ok(performance.now() < deadlineMs);
    killed = await root.pod("child");
    ok(killed.status?.containerStatuses?.[0]?.state?.running, "the main process lives on");
    strictEqual(killed.status?.containerStatuses?.[0]?.restartCount, 0);
  },
);

podTest("an attempt after an OOM kill begins with counters of its own", async (root) => {
  const script = `if [ -e /data/again ]; then exec sleep 1000; fi; touch /data/again; exec ${EAT}`;
  const text = `
apiVersion: v1
kind: Pod
metadata: {name: again}
spec:
  restartPolicy: OnFailure
  volumes: [{name: data, emptyDir: {}}]
  containers:
  - name: main
    image: host
    command: [sh, -c, ${JSON.stringify(script)}]
    volumeMounts: [{name: data, mountPath: /data}]
    resources: {limits: {memory: 32Mi}}
`;
  await root.run(["up", "-d", root.manifest(text)]);
  const running = ({ status }: Pod) => {
    const main = status?.containerStatuses?.[0];
    return main?.restartCount === 1 && main.state?.running !== undefined;
  };
  const after = await root.until("again", running);
  const [main] = after.status?.containerStatuses ?? [];
  strictEqual(main?.lastState?.terminated?.reason, "OOMKilled");
  ok(Number(cgroupText(root, after, "main", FILES.memoryNow)) < 2 ** 24);
  const kills = { controller: "memory", v1: "memory.oom_control", v2: "memory.events" };
  ok(/^oom_kill 0$/m.test(cgroupText(root, after, "main", kills)));
});
