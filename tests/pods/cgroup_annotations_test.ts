import { match, strictEqual } from "node:assert/strict";
import { byVersion, type CgroupFile, cgroupText } from "../support/cgroup_files.ts";
import { podTest, type TestRoot } from "../support/pods.ts";

/** A file that each version of the cpu controller has, which seedpod sets for nobody. */
const BURST: CgroupFile = { controller: "cpu", v1: "cpu.cfs_burst_us", v2: "cpu.max.burst" };
const SWAP: CgroupFile = { controller: "memory", v1: "memory.soft_limit_in_bytes", v2: "memory.high" };
const fileName = (file: CgroupFile) => byVersion(file.controller, file);

function pod(annotations: string): string {
  return `
apiVersion: v1
kind: Pod
metadata:
  name: annotated
  annotations:
    ${annotations}
spec:
  containers:
  - {name: main, image: host, command: [sleep, "1000"], resources: {limits: {cpu: 500m, memory: 64Mi}}}
  - {name: other, image: host, command: [sleep, "1000"], resources: {limits: {cpu: 500m, memory: 64Mi}}}
`;
}

podTest("annotations set files of the pod's cgroup and of one container's", async (root) => {
  await root.up(pod(`cgroup.seedpod.dev/${fileName(SWAP)}: "50331648"
    main.cgroup.seedpod.dev/${fileName(BURST)}: "20000"`));
  const annotated = await root.pod("annotated");
  strictEqual(cgroupText(root, annotated, null, SWAP), "50331648");
  strictEqual(cgroupText(root, annotated, "main", BURST), "20000");
  strictEqual(cgroupText(root, annotated, "other", BURST), "0");
});

async function refused(root: TestRoot, annotation: string): Promise<string> {
  const said = await root.run(["up", "-d", root.manifest(pod(annotation))]);
  strictEqual(said.code, 1);
  match(said.stderr, /manifest-\d+\.yaml:7:\d+\n/, "the error names the line and column of the annotation");
  strictEqual((await root.pods()).length, 0);
  strictEqual(root.cgroups().length, 0, "nothing was made");
  return said.stderr;
}

podTest(
  "an annotation for a file that this kernel has not, or that is out of reach, is refused at its place",
  async (root) => {
    match(
      await refused(root, 'cgroup.seedpod.dev/memory.nonsense: "1"'),
      /no cgroup file "memory\.nonsense"/,
    );
    match(await refused(root, 'main.cgroup.seedpod.dev/devices.allow: "a"'), /"devices\.allow"/);
    match(await refused(root, 'cgroup.seedpod.dev/cgroup.procs: "1"'), /"cgroup\.procs"/);
    const absent = byVersion("memory", { v1: "io.max", v2: "blkio.weight" });
    match(await refused(root, `cgroup.seedpod.dev/${absent}: "100"`), /controller is not mounted here/);
  },
);
