import assert from "node:assert/strict";
import type { PodSpec } from "../../schema/mod.ts";
import { ProgramBuilder } from "../../runner/plan/mod.ts";
import { addVolumes, emptyDirUsage } from "../../runner/volume/mod.ts";
import {
  MadeVolumes,
  modeOf,
  openUserNamespace,
  podOf,
  requestOf,
  statfs,
  usersOf,
  withScratch,
} from "../support/volume_harness.ts";

const HUGETLBFS_MAGIC = 0x958458f6;
const TMPFS_MAGIC = 0x01021994;
const MIB = 1024 * 1024;

Deno.test("addVolumes() makes an emptyDir on disk that all may write to, without setuid and devices", async () => {
  await withScratch((scratch) => {
    using volumes = new MadeVolumes(requestOf(scratch, podOf([{ name: "data", emptyDir: {} }])));
    assert.equal(modeOf(volumes.path("data", ".")), "40777 0:0");
    assert.deepEqual(statfs(volumes.path("data")).flags, ["nosuid", "nodev"]);
    Deno.writeTextFileSync(volumes.path("data", "file"), "x");
    assert.equal(Deno.readTextFileSync(`${scratch}/pod/volumes/empty-dir/data/file`), "x");
    assert.equal(modeOf(`${scratch}/pod/volumes`), "40700 0:0");
    assert.equal(modeOf(`${scratch}/v/data`), "40755 0:0");
  });
});

Deno.test("addVolumes() run again keeps what containers made of an emptyDir", async () => {
  await withScratch((scratch) => {
    const pod = podOf([{ name: "data", emptyDir: {} }], { securityContext: { fsGroup: 2000 } });
    const request = requestOf(scratch, pod);
    {
      using volumes = new MadeVolumes(request);
      assert.equal(modeOf(volumes.path("data", ".")), "42777 0:2000");
      Deno.writeTextFileSync(volumes.path("data", "file"), "x");
      assert.equal(modeOf(volumes.path("data", "file")), "100644 0:2000");
      Deno.chmodSync(volumes.path("data", "."), 0o700);
    }
    using again = new MadeVolumes(request);
    assert.equal(modeOf(again.path("data", ".")), "40700 0:2000");
    assert.equal(Deno.readTextFileSync(again.path("data", "file")), "x");
  });
});

Deno.test("addVolumes() completes an emptyDir whose making was cut short", async () => {
  await withScratch((scratch) => {
    Deno.mkdirSync(`${scratch}/pod/volumes/empty-dir/.data`, { recursive: true, mode: 0o700 });
    using volumes = new MadeVolumes(requestOf(scratch, podOf([{ name: "data", emptyDir: {} }])));
    assert.equal(modeOf(volumes.path("data", ".")), "40777 0:0");
    const names = [...Deno.readDirSync(`${scratch}/pod/volumes/empty-dir`)].map(({ name }) => name);
    assert.deepEqual(names, ["data"]);
  });
});

function memorySizeOf(scratch: string, sizeLimit: string | undefined, spec: Partial<PodSpec>): number {
  const emptyDir = { medium: "Memory", ...(sizeLimit ? { sizeLimit } : {}) };
  using volumes = new MadeVolumes(requestOf(scratch, podOf([{ name: "fast", emptyDir }], spec)));
  const { type, bytes, flags } = statfs(volumes.path("fast"));
  assert.equal(type, TMPFS_MAGIC);
  assert.deepEqual(flags, ["nosuid", "nodev"]);
  return bytes / MIB;
}

Deno.test("addVolumes() bounds an emptyDir in memory by sizeLimit, the pod's limit and the machine", async () => {
  await withScratch((scratch) => {
    const limited = (memory: string) => ({ name: "a", image: "host", resources: { limits: { memory } } });
    const unlimited = { name: "b", image: "host" };
    assert.equal(memorySizeOf(scratch, undefined, {}), 64);
    assert.equal(memorySizeOf(scratch, "8Mi", {}), 8);
    assert.equal(memorySizeOf(scratch, "0", {}), 64);
    assert.equal(memorySizeOf(scratch, "8Mi", { containers: [limited("4Mi")] }), 4);
    assert.equal(memorySizeOf(scratch, "8Mi", { containers: [limited("4Mi"), unlimited] }), 8);
    const pod = { containers: [limited("4Mi"), unlimited], resources: { limits: { memory: "2Mi" } } };
    assert.equal(memorySizeOf(scratch, "8Mi", pod), 2);
  });
});

Deno.test("addVolumes() gives an emptyDir in memory to the fsGroup", async () => {
  await withScratch((scratch) => {
    const pod = podOf([{ name: "fast", emptyDir: { medium: "Memory" } }], {
      securityContext: { fsGroup: 7 },
    });
    using volumes = new MadeVolumes(requestOf(scratch, pod));
    assert.equal(modeOf(volumes.path("fast", ".")), "42777 0:7");
  });
});

const hugePages = (medium: string, limits: Record<string, string>) =>
  podOf([{ name: "huge", emptyDir: { medium, sizeLimit: "4Mi" } }], {
    containers: [{ name: "main", image: "host", resources: { limits, requests: limits } }],
  });

Deno.test("addVolumes() makes an emptyDir of huge pages", async () => {
  await withScratch((scratch) => {
    for (const medium of ["HugePages", "HugePages-2Mi"]) {
      using volumes = new MadeVolumes(requestOf(scratch, hugePages(medium, { "hugepages-2Mi": "4Mi" })));
      assert.equal(statfs(volumes.path("huge")).type, HUGETLBFS_MAGIC);
      assert.equal(modeOf(volumes.path("huge", ".")), "40777 0:0");
    }
  });
});

Deno.test("addVolumes() refuses huge pages that the pod does not request or the machine does not have", () => {
  const refusal = (medium: string, limits: Record<string, string>, message: RegExp) =>
    assert.throws(
      () => addVolumes(new ProgramBuilder(), requestOf("/none", hugePages(medium, limits))),
      message,
    );
  refusal("HugePages", {}, /needs a container that requests huge pages/);
  refusal("HugePages-1Gi", { "hugepages-2Mi": "4Mi" }, /no container requests huge pages of medium/);
  refusal("HugePages", { "hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi" }, /several sizes/);
  refusal("HugePages", { "hugepages-1Gi": "1Gi" }, /this machine has no huge pages of 1073741824 bytes/);
  refusal("Floppy", {}, /there is no medium "Floppy"/);
});

Deno.test("addVolumes() shows the volumes of a pod with hostUsers: false to the pod's own users", async () => {
  await withScratch((scratch) => {
    using namespace = openUserNamespace();
    const pod = podOf([
      { name: "disk", emptyDir: {} },
      { name: "fast", emptyDir: { medium: "Memory" } },
      { name: "config", configMap: { name: "c", optional: true } },
      { name: "host", hostPath: { path: `${scratch}/rootfs`, type: "Directory" } },
    ]);
    using volumes = new MadeVolumes(requestOf(scratch, pod, { userNamespace: usersOf(namespace) }));
    for (const name of ["disk", "fast", "config", "host"]) {
      assert.match(modeOf(volumes.path(name, ".")), / 300000:300000$/, name);
    }
    assert.equal(modeOf(`${scratch}/pod/volumes/empty-dir/disk`), "40777 0:0");
  });
});

Deno.test("emptyDirUsage() names the directories that only measuring bounds", () => {
  const pod = podOf([
    { name: "a", emptyDir: {} },
    { name: "b", emptyDir: { sizeLimit: "1Mi" } },
    { name: "c", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    { name: "d", hostPath: { path: "/srv" } },
  ]);
  assert.deepEqual(emptyDirUsage(pod, "/lib/volumes"), [
    { volume: "a", directory: "/lib/volumes/empty-dir/a", sizeLimitBytes: null },
    { volume: "b", directory: "/lib/volumes/empty-dir/b", sizeLimitBytes: MIB },
  ]);
});
