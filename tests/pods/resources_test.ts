import { deepEqual, match, ok, strictEqual } from "node:assert/strict";
import {
  byVersion,
  cgroupDirectoryOf,
  cgroupPathInside,
  cgroupProcesses,
  CGROUPS,
  cgroupText,
  FILES,
} from "../support/cgroup_files.ts";
import { podTest } from "../support/pods.ts";

const MI = 2 ** 20;

podTest(
  "requests and limits stand in the kernel's files of container and pod, and the container reads them",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: both}
spec:
  containers:
  - name: small
    image: host
    command: [sleep, "1000"]
    resources: {requests: {cpu: 250m, memory: 16Mi}, limits: {cpu: 500m, memory: 64Mi}}
  - name: large
    image: host
    command: [sleep, "1000"]
    resources: {requests: {cpu: "1"}, limits: {cpu: "1", memory: 128Mi}}
`);
    const pod = await root.pod("both");
    const read = (container: string | null) => [
      cgroupText(root, pod, container, FILES.memoryMax),
      cgroupText(root, pod, container, FILES.cpuMax),
      cgroupText(root, pod, container, FILES.cpuWeight),
      cgroupText(root, pod, container, FILES.pidsMax),
    ];
    const period = byVersion("cpu", { v1: "", v2: " 100000" });
    const weight = (v1: string, v2: string) => byVersion("cpu", { v1, v2 });
    deepEqual(read("small"), [String(64 * MI), `50000${period}`, weight("256", "35"), "2048"]);
    deepEqual(read("large"), [String(128 * MI), `100000${period}`, weight("1024", "100"), "2048"]);
    deepEqual(read(null), [String(192 * MI), `150000${period}`, weight("1280", "120"), "4096"]);
    const inside = [FILES.memoryMax, FILES.cpuMax, FILES.pidsMax].map(cgroupPathInside).join(" ");
    strictEqual(
      await root.sh("both", "small", `cat ${inside}`),
      `${64 * MI}\n50000${period}\n2048\n`,
    );
    strictEqual(pod.status?.qosClass, "Burstable");
  },
);

/** oom_score_adj below the one that a process was given is for CAP_SYS_RESOURCE alone. */
async function lowestAllowed(score: number): Promise<string> {
  const script = `echo ${score} 2>/dev/null >/proc/self/oom_score_adj; cat /proc/self/oom_score_adj`;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `(${script}) 2>/dev/null`] }).output();
  return new TextDecoder().decode(stdout);
}

podTest(
  "the QoS class decides over oom_score_adj, of a container's process and of a command run in it",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: guaranteed}
spec:
  containers:
  - {name: main, image: host, command: [sleep, "1000"], resources: {limits: {cpu: 100m, memory: 32Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: burstable}
spec:
  containers:
  - {name: main, image: host, command: [sleep, "1000"], resources: {requests: {memory: ${
      Math.floor(CGROUPS.memoryBytes / 4)
    }}}}
---
apiVersion: v1
kind: Pod
metadata: {name: best-effort}
spec:
  containers:
  - {name: main, image: host, command: [sleep, "1000"]}
`);
    const classes = (await root.pods()).map((pod) => [pod.metadata?.name, pod.status?.qosClass]);
    deepEqual(Object.fromEntries(classes), {
      "best-effort": "BestEffort",
      burstable: "Burstable",
      guaranteed: "Guaranteed",
    });
    const scores = "cat /proc/1/oom_score_adj /proc/self/oom_score_adj";
    const guaranteed = await lowestAllowed(-997);
    strictEqual(await root.sh("guaranteed", "main", scores), guaranteed + guaranteed);
    match(await root.sh("burstable", "main", scores), /^75[01]\n75[01]\n$/);
    strictEqual(await root.sh("best-effort", "main", scores), "1000\n1000\n");
  },
);

podTest(
  "pod-level resources bound the pod, and a container without a limit of its own reads the pod's",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: whole}
spec:
  resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: "1", memory: 96Mi}}
  containers:
  - {name: own, image: host, command: [sleep, "1000"], resources: {limits: {memory: 48Mi}}}
  - {name: shared, image: host, command: [sleep, "1000"]}
`);
    const pod = await root.pod("whole");
    const memory = (container: string | null) => cgroupText(root, pod, container, FILES.memoryMax);
    deepEqual([memory(null), memory("own"), memory("shared")], [
      String(96 * MI),
      String(48 * MI),
      String(96 * MI),
    ]);
    match(cgroupText(root, pod, null, FILES.cpuMax), /^100000( 100000)?$/);
    match(cgroupText(root, pod, "shared", FILES.cpuMax), /^100000( 100000)?$/);
  },
);

podTest(
  "a container with a limit on huge pages gets no more of them, and its neighbour none",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: huge}
spec:
  containers:
  - name: some
    image: host
    command: [sleep, "1000"]
    resources: {limits: {hugepages-2Mi: 4Mi, memory: 32Mi}}
  - {name: none, image: host, command: [sleep, "1000"], resources: {limits: {memory: 32Mi}}}
`);
    const pod = await root.pod("huge");
    const limit = (container: string | null) => cgroupText(root, pod, container, FILES.hugePagesMax);
    deepEqual([limit(null), limit("some"), limit("none")], [String(4 * MI), String(4 * MI), "0"]);
    strictEqual(await root.sh("huge", "some", `cat ${cgroupPathInside(FILES.hugePagesMax)}`), `${4 * MI}\n`);
  },
);

podTest(
  "a size of huge pages that the kernel does not know is refused by name, and nothing is started",
  async (root) => {
    const manifest = root.manifest(`
apiVersion: v1
kind: Pod
metadata: {name: odd}
spec:
  containers:
  - {name: main, image: host, command: [sleep, "1000"], resources: {limits: {hugepages-4Mi: 4Mi, memory: 32Mi}}}
`);
    const said = await root.run(["up", "-d", manifest]);
    strictEqual(said.code, 1);
    match(said.stderr, /hugepages-4Mi/);
    match(said.stderr, /no huge pages of this size/);
  },
);

podTest(
  "containers named as kernel files and as seedpod's own cgroups run beside each other",
  async (root) => {
    const names = ["tasks", "infra", "notify-on-release", "cgroup-procs"];
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: tasks}
spec:
  containers:
${names.map((name) => `  - {name: ${name}, image: host, command: [sleep, "1000"]}`).join("\n")}
`);
    const pod = await root.pod("tasks");
    for (const name of names) {
      strictEqual(cgroupProcesses(root, pod, name).length, 1, `processes in the cgroup of container ${name}`);
    }
  },
);

podTest(
  "a container opens the usual devices alone, a privileged one beside it every device",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: devices}
spec:
  volumes: [{name: nodes, hostPath: {path: ${root.files}}}]
  containers:
  - {name: plain, image: host, command: [sleep, "1000"], volumeMounts: [{name: nodes, mountPath: /nodes}]}
  - name: privileged
    image: host
    command: [sleep, "1000"]
    securityContext: {privileged: true}
    volumeMounts: [{name: nodes, mountPath: /nodes}]
---
apiVersion: v1
kind: Pod
metadata: {name: alone}
spec:
  volumes: [{name: nodes, hostPath: {path: ${root.files}}}]
  containers:
  - {name: plain, image: host, command: [sleep, "1000"], volumeMounts: [{name: nodes, mountPath: /nodes}]}
`);
    await root.sh("devices", "privileged", "mknod -m 666 /nodes/kmsg c 1 11 && head -c0 /nodes/kmsg");
    const open = "head -c0 /dev/null && head -c1 /dev/zero | wc -c && head -c0 /nodes/kmsg";
    for (const pod of ["devices", "alone"]) {
      const said = await root.run(["exec", pod, "-c", "plain", "--", "sh", "-c", open]);
      strictEqual(said.stdout, "1\n", said.stderr);
      match(said.stderr, /kmsg.*Operation not permitted/);
    }
  },
);

podTest(
  "the cgroup above the pods is promised what they are, and no more when one has gone",
  async (root) => {
    const one = (name: string, request: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  containers:
  - {name: main, image: host, command: [sleep, "1000"], resources: {requests: {memory: ${request}}}}
`;
    const first = await root.up(one("first", "16Mi"));
    await root.up(one("second", "8Mi"));
    const second = await root.pod("second");
    const above = (controller: string) => `${cgroupDirectoryOf(root, second, null, controller)}/..`;
    const weight = byVersion("cpu", { v1: "cpu.shares", v2: "cpu.weight" });
    const oneCpu = byVersion("cpu", { v1: 1024, v2: 100 });
    const own = Number(Deno.readTextFileSync(`${above("cpu")}/${weight}`));
    ok(CGROUPS.cpus === 1 ? own === oneCpu : own > oneCpu, "the weight of all processors");
    if (CGROUPS.controllers.memory?.version !== 2) return;
    const low = () => Deno.readTextFileSync(`${above("memory")}/memory.low`);
    strictEqual(low(), `${24 * MI}\n`);
    await root.ok("down", first, "--grace-period", "0");
    strictEqual(low(), `${8 * MI}\n`);
  },
);
