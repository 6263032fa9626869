import assert from "node:assert/strict";
import {
  cgroupDirectory,
  killCgroup,
  listProcesses,
  missingCgroupFiles,
  readCounters,
  removeCgroupTree,
  writeCgroupSettings,
} from "../../runner/linux/cgroup.ts";
import { detectCgroups, ensureParent } from "../../runner/linux/cgroup_host.ts";
import {
  type CgroupHost,
  cgroupPlacement,
  type CgroupSetting,
  containerCgroupSettings,
  podCgroupSettings,
  type PodNeeds,
  wasOomKilled,
} from "../../runner/plan/resources/mod.ts";
import { isRoot, randomParent } from "./_cgroups.ts";

const MIB = 2 ** 20;
const POD: PodNeeds = {
  spec: {
    containers: [{
      name: "web",
      resources: { requests: { cpu: "250m", memory: "16Mi" }, limits: { cpu: "500m", memory: "32Mi" } },
    }],
  },
};

interface Bench {
  readonly host: CgroupHost;
  readonly parent: string;
  readonly pod: string;
  readonly container: string;
}

/** Makes a pod's and a container's cgroups with their settings, runs the test, removes everything. */
async function withPod(pod: PodNeeds, test: (bench: Bench) => Promise<void> | void): Promise<void> {
  const parent = randomParent();
  const { host } = ensureParent(detectCgroups(), parent);
  const bench = { host, parent, pod: `${parent}/pod1`, container: `${parent}/pod1/ctr-web-0` };
  try {
    const podSettings = podCgroupSettings(pod, host);
    const settings = containerCgroupSettings(pod, pod.spec.containers[0]!, host);
    const placement = cgroupPlacement(host, podSettings, settings);
    for (const { id, mountPoint } of host.hierarchies) {
      if (placement.pod.includes(id)) Deno.mkdirSync(`${mountPoint}/${bench.pod}`);
    }
    writeCgroupSettings(host, bench.pod, podSettings);
    for (const { id, mountPoint } of host.hierarchies) {
      if (placement.split.includes(id)) Deno.mkdirSync(`${mountPoint}/${bench.container}`);
    }
    writeCgroupSettings(host, bench.container, settings);
    await test(bench);
  } finally {
    killCgroup(host, parent);
    await removeCgroupTree(host, parent);
  }
}

/** Shell words that put the shell itself into a cgroup, in every hierarchy that has it. */
function enter(host: CgroupHost, path: string): string {
  return host.hierarchies.map((h) => cgroupDirectory(h, path))
    .filter((directory) => isThere(directory))
    .map((directory) => `echo $$ > ${directory}/cgroup.procs;`).join(" ");
}

function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

function shell(script: string): Deno.ChildProcess {
  return new Deno.Command("/bin/sh", { args: ["-c", script], stdout: "piped", stderr: "null" }).spawn();
}

/** How a script ended whose output is nobody's business. */
function statusOf(script: string): Promise<Deno.CommandStatus> {
  return new Deno.Command("/bin/sh", { args: ["-c", script], stdout: "null", stderr: "null" }).spawn().status;
}

/** Waits for the shell's first line: it then is where it was to go. */
async function firstLine(process: Deno.ChildProcess): Promise<void> {
  const reader = process.stdout.getReader();
  await reader.read();
  await reader.cancel();
}

function valueOf(host: CgroupHost, path: string, files: readonly string[]): string {
  for (const hierarchy of host.hierarchies) {
    for (const file of files) {
      try {
        return Deno.readTextFileSync(`${cgroupDirectory(hierarchy, path)}/${file}`).trim();
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
  throw new Error(`no ${files} in ${path}`);
}

function ifRoot(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !isRoot(), fn });
}

Deno.test("cgroupDirectory() refuses every path that leads elsewhere", () => {
  const hierarchy = { id: 1, version: 1, mountPoint: "/m", controllers: [] } as const;
  assert.equal(cgroupDirectory(hierarchy, "seedpod/pod1"), "/m/seedpod/pod1");
  for (const path of ["", "..", "a/../b", "/a", "a//b", "a/", "./a", "a\0b"]) {
    assert.throws(() => cgroupDirectory(hierarchy, path), /not a plain relative path/);
  }
});

ifRoot(
  "the settings of a pod and a container are what the kernel then shows",
  () =>
    withPod(POD, ({ host, pod, container }) => {
      assert.equal(valueOf(host, container, ["memory.max", "memory.limit_in_bytes"]), String(32 * MIB));
      assert.equal(valueOf(host, pod, ["memory.max", "memory.limit_in_bytes"]), String(32 * MIB));
      assert.match(valueOf(host, container, ["cpu.max", "cpu.cfs_quota_us"]), /^50000( 100000)?$/);
      assert.match(valueOf(host, container, ["cpu.weight", "cpu.shares"]), /^(35|256)$/);
      assert.equal(valueOf(host, container, ["pids.max"]), "2048");
      assert.equal(valueOf(host, pod, ["pids.max"]), "4096");
      assert.equal(readCounters(host, container).memoryLimitBytes, 32 * MIB);
    }),
);

ifRoot("a pod with huge pages has them limited wherever the controller is", async () => {
  const pod = { spec: { containers: [{ name: "web", resources: { limits: { "hugepages-2Mi": "4Mi" } } }] } };
  await withPod(pod, ({ host, container }) => {
    assert.equal(
      valueOf(host, container, ["hugetlb.2MB.max", "hugetlb.2MB.limit_in_bytes"]),
      String(4 * MIB),
    );
  });
});

ifRoot(
  "listProcesses() and killCgroup() reach every process of a pod, also in cgroups below",
  () =>
    withPod(POD, async ({ host, pod, container }) => {
      const process = shell(`${enter(host, container)} sleep 100 & sleep 100 & echo in; wait`);
      await firstLine(process);
      assert.equal(listProcesses(host, pod).length, 3);
      assert.ok(listProcesses(host, container).includes(process.pid));
      killCgroup(host, pod);
      assert.equal((await process.status).signal, "SIGKILL");
      await removeCgroupTree(host, pod);
      assert.deepEqual(listProcesses(host, pod), []);
      assert.ok(!host.hierarchies.some((h) => isThere(cgroupDirectory(h, pod))));
    }),
);

ifRoot(
  "killCgroup() signals nobody who left the cgroup between the look and the hold",
  () =>
    withPod(POD, async ({ host, container }) => {
      const process = shell(`${enter(host, container)} echo in; exec sleep 100`);
      await firstLine(process);
      const v1 = { ...host, hierarchies: host.hierarchies.filter((h) => h.version === 1) };
      const hits: number[] = [];
      killCgroup(v1, container, (pid) => {
        for (const { mountPoint } of host.hierarchies) {
          Deno.writeTextFileSync(`${mountPoint}/cgroup.procs`, String(pid));
        }
        return {
          kill: () => hits.push(pid),
          [Symbol.dispose]: () => {},
        };
      });
      process.kill("SIGKILL");
      await process.status;
      assert.deepEqual(hits, []);
    }),
);

ifRoot(
  "removeCgroupTree() gives up on living processes after its time, naming how many",
  () =>
    withPod(POD, async ({ host, container, pod }) => {
      const process = shell(`${enter(host, container)} echo in; exec sleep 100`);
      await firstLine(process);
      await assert.rejects(removeCgroupTree(host, pod, 1), /still holds 1 processes/);
      process.kill("SIGKILL");
      await process.status;
    }),
);

ifRoot(
  "removeCgroupTree() needs one pass for empty cgroups, however deep",
  () =>
    withPod(POD, async ({ host, pod, container }) => {
      for (const h of host.hierarchies.filter((h) => isThere(cgroupDirectory(h, container)))) {
        Deno.mkdirSync(cgroupDirectory(h, `${container}/a/b`), { recursive: true });
      }
      await removeCgroupTree(host, pod, -1);
      assert.ok(!host.hierarchies.some((h) => isThere(cgroupDirectory(h, pod))));
    }),
);

ifRoot("removeCgroupTree() of nothing is fine", () => removeCgroupTree(detectCgroups(), randomParent()));

ifRoot("a container named like a kernel file has its cgroup", () =>
  withPod(POD, async ({ host, pod }) => {
    const path = `${pod}/ctr-cgroup.procs-0`;
    for (const h of host.hierarchies.filter((h) => isThere(cgroupDirectory(h, pod)))) {
      Deno.mkdirSync(cgroupDirectory(h, path));
    }
    await removeCgroupTree(host, path);
    assert.ok(!host.hierarchies.some((h) => isThere(cgroupDirectory(h, path))));
  }));

ifRoot(
  "an out-of-memory kill of the main process is told from one of a child",
  () =>
    withPod(POD, async ({ host, container }) => {
      const hog = "head -c 100000000 /dev/zero | tail";
      const before = readCounters(host, container).oomKills;
      const survivor = await statusOf(`${enter(host, container)} (exec ${hog}) ; exit 7`);
      const between = readCounters(host, container).oomKills;
      assert.ok(between > before, "the child was killed for memory");
      const facts = { oomKillsBefore: before, oomKillsAfter: between, weSentKill: false };
      const wasGroupKill = survivor.signal === "SIGKILL";
      assert.equal(wasOomKilled({ ...facts, mainExitSignal: wasGroupKill ? 9 : null }), wasGroupKill);

      const main = await statusOf(`${enter(host, container)} exec tail < /dev/zero`);
      assert.equal(main.signal, "SIGKILL");
      const after = readCounters(host, container).oomKills;
      assert.ok(
        wasOomKilled({ mainExitSignal: 9, oomKillsBefore: between, oomKillsAfter: after, weSentKill: false }),
      );
    }),
);

ifRoot(
  "a required file that does not exist is found before, and refused when written",
  () =>
    withPod(POD, ({ host, parent, container }) => {
      const { controller, hierarchy } = containerCgroupSettings(POD, POD.spec.containers[0]!, host)[0]!;
      const setting: CgroupSetting = {
        controller,
        hierarchy,
        file: "cpu.imaginary",
        value: "1",
        from: ["metadata", "annotations", "cgroup.seedpod.dev/cpu.imaginary"],
        required: true,
      };
      assert.deepEqual(missingCgroupFiles(host, parent, [setting]), [setting]);
      assert.throws(() => writeCgroupSettings(host, container, [setting]), { fault: "user" });
      const optional = { ...setting, required: false };
      assert.deepEqual(missingCgroupFiles(host, parent, [optional]), []);
      writeCgroupSettings(host, container, [optional]);
    }).then(() => {}),
);
