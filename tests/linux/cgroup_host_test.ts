import assert from "node:assert/strict";
import { cgroupHostOf, detectCgroups, ensureParent } from "../../runner/linux/cgroup_host.ts";
import { removeCgroupTree } from "../../runner/linux/cgroup.ts";
import { isRoot, randomParent } from "./_cgroups.ts";

const FACTS = {
  rootControllers: () => "",
  hugePageNames: ["hugepages-1048576kB", "hugepages-2048kB"],
  memInfo: "MemTotal:        8000 kB\nMemFree: 1 kB\n",
  cpusOnline: "0-3,8\n",
};

Deno.test("cgroupHostOf() sees cgroup v2 alone", () => {
  const host = cgroupHostOf({
    ...FACTS,
    mountInfo:
      "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
    selfCgroup: "0::/system.slice/seedpod.service\n",
    rootControllers: (mountPoint) => mountPoint === "/sys/fs/cgroup" ? "cpu memory pids\n" : "",
  });
  assert.equal(host.mode, "v2");
  assert.deepEqual(host.controllers["memory"], { version: 2, hierarchy: 0 });
  assert.deepEqual(host.hugePageSizesBytes, [2 ** 21, 2 ** 30]);
  assert.equal(host.memoryBytes, 8_192_000);
  assert.equal(host.cpus, 5);
});

Deno.test("cgroupHostOf() sees v1 hierarchies with several controllers, in any order of their names", () => {
  const host = cgroupHostOf({
    ...FACTS,
    mountInfo: "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpuacct,cpu\n" +
      "32 30 0:28 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,xattr,name=systemd\n" +
      "33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
      "34 30 0:29 / /mnt/memory rw - cgroup cgroup rw,memory\n",
    selfCgroup: "9:memory:/\n4:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n",
  });
  assert.equal(host.mode, "v1");
  assert.deepEqual(host.hierarchies.map((h) => [h.id, h.mountPoint, h.controllers]), [
    [4, "/sys/fs/cgroup/cpu,cpuacct", ["cpuacct", "cpu"]],
    [1, "/sys/fs/cgroup/systemd", []],
    [9, "/sys/fs/cgroup/memory", ["memory"]],
  ]);
});

Deno.test("cgroupHostOf() calls it hybrid when both are mounted", () => {
  const host = cgroupHostOf({
    ...FACTS,
    mountInfo: "33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
    selfCgroup: "4:memory:/\n0::/\n",
    rootControllers: () => "hugetlb\n",
  });
  assert.equal(host.mode, "hybrid");
  assert.deepEqual(host.controllers, {
    memory: { version: 1, hierarchy: 4 },
    hugetlb: { version: 2, hierarchy: 0 },
  });
});

Deno.test({
  name: "ensureParent() readies every hierarchy for children, again and again",
  ignore: !isRoot(),
  async fn() {
    const parent = `${randomParent()}/inner`;
    const detected = detectCgroups();
    try {
      const first = ensureParent(detected, parent);
      assert.deepEqual(ensureParent(detected, parent), first);
      assert.deepEqual(first.failures, []);
      for (const hierarchy of first.host.hierarchies) {
        const child = `${hierarchy.mountPoint}/${parent}/child`;
        Deno.mkdirSync(child);
        const names = new Set([...Deno.readDirSync(child)].map((entry) => entry.name.split(".")[0]));
        const without = hierarchy.controllers.filter((name) => !names.has(name) && name !== "perf_event");
        assert.deepEqual(without, [], `every controller of ${hierarchy.mountPoint} reaches the children`);
        if (hierarchy.version === 1 && hierarchy.controllers.includes("cpuset")) {
          assert.notEqual(Deno.readTextFileSync(`${child}/cpuset.mems`).trim(), "");
          assert.notEqual(Deno.readTextFileSync(`${child}/cpuset.cpus`).trim(), "");
        }
      }
    } finally {
      await removeCgroupTree(detected, parent.split("/")[0]!);
    }
  },
});

Deno.test({
  name: "ensureParent() leaves out, and reports, a hierarchy that it cannot write to",
  ignore: !isRoot(),
  fn() {
    const broken = { id: 99, version: 1, mountPoint: "/proc/sys", controllers: ["imaginary"] } as const;
    const host = { ...detectCgroups(), hierarchies: [broken], controllers: {} };
    const { host: usable, failures } = ensureParent(host, randomParent());
    assert.deepEqual(usable.hierarchies, []);
    assert.deepEqual(failures.map((failure) => failure.controller), ["imaginary"]);
  },
});
