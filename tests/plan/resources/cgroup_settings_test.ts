import assert from "node:assert/strict";
import {
  type CgroupHost,
  cgroupJoins,
  cgroupPlacement,
  cgroupProblems,
  type CgroupSetting,
  containerCgroupSettings,
  parentCgroupSettings,
  podCgroupSettings,
  type PodNeeds,
} from "../../../runner/plan/resources/mod.ts";
import { HYBRID_HOST, V1_HOST, V2_HOST } from "./_hosts.ts";

const MIB = 2 ** 20;

const WEB: PodNeeds = {
  spec: {
    containers: [
      {
        name: "web",
        resources: { requests: { cpu: "250m", memory: "64Mi" }, limits: { cpu: "1", memory: "128Mi" } },
      },
      { name: "log", resources: { limits: { cpu: "5m", memory: "32Mi" } } },
    ],
  },
};
const HUGE_OFF = ["2MB", "1GB"].flatMap((size) => [`hugetlb.${size}.max=0`, `hugetlb.${size}.rsvd.max=0`]);

function text(settings: readonly CgroupSetting[]): string[] {
  return settings.map((s) => `${s.file}=${s.value}`);
}

function container(pod: PodNeeds, index: number, host: CgroupHost): string[] {
  return text(containerCgroupSettings(pod, pod.spec.containers[index]!, host));
}

Deno.test("containerCgroupSettings() turns requests into weights and protections, limits into maxima, on v2", () => {
  assert.deepEqual(container(WEB, 0, V2_HOST), [
    "cpu.weight=35",
    "cpu.max=100000 100000",
    `memory.max=${128 * MIB}`,
    `memory.low=${64 * MIB}`,
    "memory.oom.group=1",
    "pids.max=2048",
  ]);
  assert.deepEqual(container(WEB, 1, V2_HOST).slice(0, 2), ["cpu.weight=2", "cpu.max=1000 100000"]);
});

Deno.test("containerCgroupSettings() speaks v1, memory before memory and swap together", () => {
  assert.deepEqual(container(WEB, 0, V1_HOST), [
    "cpu.shares=256",
    "cpu.cfs_quota_us=100000",
    `memory.limit_in_bytes=${128 * MIB}`,
    `memory.memsw.limit_in_bytes=${128 * MIB}`,
    `memory.soft_limit_in_bytes=${64 * MIB}`,
    "pids.max=2048",
  ]);
});

Deno.test("podCgroupSettings() sums the containers and shuts off swap and huge pages", () => {
  assert.deepEqual(text(podCgroupSettings(WEB, V2_HOST)), [
    "cgroup.subtree_control=+cpu +memory +pids",
    "cpu.weight=35",
    "cpu.max=100500 100000",
    `memory.max=${160 * MIB}`,
    `memory.low=${96 * MIB}`,
    "memory.swap.max=0",
    ...HUGE_OFF,
    "pids.max=4096",
  ]);
  assert.deepEqual(text(podCgroupSettings(WEB, HYBRID_HOST)), [
    "cpu.shares=261",
    "cpu.cfs_quota_us=100500",
    `memory.limit_in_bytes=${160 * MIB}`,
    `memory.memsw.limit_in_bytes=${160 * MIB}`,
    `memory.soft_limit_in_bytes=${96 * MIB}`,
    ...HUGE_OFF,
    "pids.max=4096",
  ]);
});

Deno.test("podCgroupSettings() limits the pod only in what every container is limited in", () => {
  const pod: PodNeeds = {
    spec: { containers: [...WEB.spec.containers, { name: "free", resources: { limits: { cpu: "1" } } }] },
  };
  const files = podCgroupSettings(pod, V2_HOST).map((s) => s.file);
  assert.ok(files.includes("cpu.max"));
  assert.ok(!files.includes("memory.max"));
});

Deno.test("podCgroupSettings() takes the worst moment: the containers, or an init container beside the sidecars", () => {
  const needs = (memory: string) => ({ resources: { limits: { cpu: "1", memory } } });
  const sidecar = { name: "s", restartPolicy: "Always", ...needs("10Mi") };
  const memoryMax = (initMemory: string) => {
    const initContainers = [sidecar, { name: "i", ...needs(initMemory) }];
    const pod = { spec: { initContainers, containers: [{ name: "c", ...needs("20Mi") }] } };
    return podCgroupSettings(pod, V2_HOST).find((s) => s.file === "memory.max")?.value;
  };
  assert.equal(memoryMax("15Mi"), String(30 * MIB));
  assert.equal(memoryMax("50Mi"), String(60 * MIB));
});

Deno.test("spec.resources limits the pod, and the containers that have no limit of their own", () => {
  const pod: PodNeeds = {
    spec: {
      resources: { limits: { cpu: "2", memory: "1Gi" } },
      containers: [{ name: "a" }, WEB.spec.containers[0]!],
    },
  };
  const settings = podCgroupSettings(pod, V2_HOST);
  assert.deepEqual(settings.find((s) => s.file === "cpu.max")?.from, ["spec", "resources", "limits", "cpu"]);
  assert.ok(text(settings).includes(`memory.max=${1024 * MIB}`));
  assert.ok(container(pod, 0, V2_HOST).includes("cpu.max=200000 100000"));
  assert.ok(container(pod, 1, V2_HOST).includes("cpu.max=100000 100000"));
});

Deno.test("a Guaranteed pod's memory is protected hard, and the parent of all pods by the sums", () => {
  const guaranteed: PodNeeds = {
    spec: { containers: [{ name: "g", resources: { limits: { cpu: "1", memory: "16Mi" } } }] },
  };
  assert.ok(container(guaranteed, 0, V2_HOST).includes(`memory.min=${16 * MIB}`));
  assert.ok(!container(guaranteed, 0, V1_HOST).some((line) => line.startsWith("memory.soft_limit")));
  assert.deepEqual(text(parentCgroupSettings([guaranteed, WEB, WEB], V2_HOST)), [
    "cpu.weight=303",
    `memory.min=${16 * MIB}`,
    `memory.low=${192 * MIB}`,
  ]);
});

Deno.test("a container without resources weighs least and is limited in nothing but processes", () => {
  const pod: PodNeeds = { spec: { containers: [{ name: "a" }] } };
  assert.deepEqual(container(pod, 0, V2_HOST), ["cpu.weight=1", "memory.oom.group=1", "pids.max=2048"]);
  assert.deepEqual(container(pod, 0, V1_HOST), ["cpu.shares=2", "pids.max=2048"]);
});

Deno.test("huge pages: the pod has what is asked, and a container that asks for none gets none of it", () => {
  const pod: PodNeeds = {
    spec: { containers: [{ name: "a", resources: { limits: { "hugepages-2Mi": "8Mi" } } }, { name: "b" }] },
  };
  assert.ok(
    text(podCgroupSettings(pod, V2_HOST)).includes("cgroup.subtree_control=+cpu +hugetlb +memory +pids"),
  );
  const pages = (index: number, host: CgroupHost) =>
    container(pod, index, host).filter((line) => line.startsWith("hugetlb"));
  assert.deepEqual(pages(0, V2_HOST), [`hugetlb.2MB.max=${8 * MIB}`, `hugetlb.2MB.rsvd.max=${8 * MIB}`]);
  assert.deepEqual(pages(1, V1_HOST), ["hugetlb.2MB.limit_in_bytes=0", "hugetlb.2MB.rsvd.limit_in_bytes=0"]);
});

Deno.test("every setting says which field it comes from", () => {
  const [weight, quota] = containerCgroupSettings(WEB, WEB.spec.containers[0]!, V2_HOST);
  assert.deepEqual(weight?.from, ["spec", "containers", 0, "resources", "requests", "cpu"]);
  assert.deepEqual(quota?.from, ["spec", "containers", 0, "resources", "limits", "cpu"]);
  const [defaulted] = containerCgroupSettings(WEB, WEB.spec.containers[1]!, V2_HOST);
  assert.deepEqual(defaulted?.from, ["spec", "containers", 1, "resources", "limits", "cpu"]);
});

Deno.test("annotations reach any controller file, the pod's or one container's, one write a line", () => {
  const pod: PodNeeds = {
    ...WEB,
    metadata: {
      annotations: {
        "cgroup.seedpod.dev/io.max": "8:0 rbps=1048576\n8:16 wbps=1048576\n",
        "web.cgroup.seedpod.dev/pids.max": "10",
        "web.cgroup.seedpod.dev/cpuset.cpus": "0",
      },
    },
  };
  assert.deepEqual(cgroupProblems(pod, V2_HOST), []);
  const settings = podCgroupSettings(pod, V2_HOST);
  assert.ok(text(settings).includes("cgroup.subtree_control=+cpu +cpuset +memory +pids"));
  assert.deepEqual(text(settings.slice(-2)), ["io.max=8:0 rbps=1048576", "io.max=8:16 wbps=1048576"]);
  assert.deepEqual(settings.at(-1)?.from, ["metadata", "annotations", "cgroup.seedpod.dev/io.max"]);
  assert.equal(settings.at(-1)?.required, true);
  assert.deepEqual(container(pod, 0, V2_HOST).slice(-2), ["pids.max=10", "cpuset.cpus=0"]);
  assert.ok(!container(pod, 1, V2_HOST).includes("cpuset.cpus=0"));
});

Deno.test("cgroupProblems() refuses annotations beyond the allow-list, each with its path", () => {
  const refused: Record<string, RegExp> = {
    "cgroup.seedpod.dev/cgroup.procs": /out of reach/,
    "cgroup.seedpod.dev/devices.allow": /out of reach/,
    "cgroup.seedpod.dev/release_agent": /not the name of a controller file/,
    "cgroup.seedpod.dev/net_cls.classid": /not mounted here/,
    "nobody.cgroup.seedpod.dev/io.max": /no container is named "nobody"/,
    "cgroup.seedpod.dev/io.weight": /value is empty/,
  };
  for (const [key, message] of Object.entries(refused)) {
    const value = key.endsWith("io.weight") ? " " : "1";
    const problems = cgroupProblems({ ...WEB, metadata: { annotations: { [key]: value } } }, V2_HOST);
    assert.deepEqual(problems.map((p) => p.path), [["metadata", "annotations", key]]);
    assert.match(problems[0]!.message, message);
  }
  const frozen = { ...WEB, metadata: { annotations: { "cgroup.seedpod.dev/freezer.state": "FROZEN" } } };
  assert.match(cgroupProblems(frozen, V1_HOST)[0]!.message, /frozen before it starts/);
});

Deno.test("cgroupProblems() refuses limits that the machine cannot keep", () => {
  const asks = (name: string): PodNeeds => ({
    spec: { containers: [{ name: "a", resources: { limits: { [name]: "2Mi" } } }] },
  });
  const none: CgroupHost = { ...V2_HOST, controllers: {} };
  const path = (name: string) => [["spec", "containers", 0, "resources", "limits", name]];
  for (const name of ["cpu", "memory", "hugepages-2Mi"]) {
    assert.deepEqual(cgroupProblems(asks(name), none).map((p) => p.path), path(name));
    assert.deepEqual(cgroupProblems(asks(name), V1_HOST), []);
  }
  assert.deepEqual(
    cgroupProblems(asks("hugepages-64Ki"), V2_HOST).map((p) => p.path),
    path("hugepages-64Ki"),
  );
  assert.deepEqual(cgroupProblems(asks("ephemeral-storage"), none), []);
});

Deno.test("cgroupPlacement() joins a hierarchy only for a reason", () => {
  assert.deepEqual(cgroupPlacement(V2_HOST), { pod: [0], split: [0] });
  assert.deepEqual(cgroupPlacement(V1_HOST), { pod: [1, 2, 3, 4, 5, 6, 11], split: [2, 3, 4, 5, 11] });
  const annotated: PodNeeds = {
    ...WEB,
    metadata: {
      annotations: { "cgroup.seedpod.dev/net_cls.classid": "1", "web.cgroup.seedpod.dev/cpuset.cpus": "0" },
    },
  };
  const web = containerCgroupSettings(annotated, annotated.spec.containers[0]!, V1_HOST);
  const placement = cgroupPlacement(V1_HOST, podCgroupSettings(annotated, V1_HOST), web);
  assert.deepEqual(placement.pod, [1, 2, 3, 4, 5, 6, 7, 9, 11]);
  assert.deepEqual(placement.split, [2, 3, 4, 5, 7, 11]);
});

Deno.test("cgroupJoins() enters v1 through tasks, which needs no machine-wide lock, and v2 at birth", () => {
  assert.deepEqual(cgroupJoins(HYBRID_HOST, [0, 3]), [
    { hierarchy: 3, by: "write", file: "tasks", value: "0" },
    { hierarchy: 0, by: "CLONE_INTO_CGROUP" },
  ]);
});
