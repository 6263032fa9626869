import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { cgroupPids, uidOf } from "../support/pod_processes.ts";
import { podTest, type TestRoot } from "../support/pods.ts";
import { crashDaemon, startDaemon } from "../support/daemon.ts";
import { shellPod, SLEEPER } from "../support/shell_pod.ts";

/** A generator of numbers from 0 to 1 that gives the same ones for a seed (mulberry32). */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How many live first processes of containers called `main` the pods of this root have. */
function copies(root: TestRoot, uid: string): number {
  const directories = root.cgroups().flatMap((parent) => {
    try {
      return [...Deno.readDirSync(`${parent}/pod${uid}`)].map(({ name }) => name);
    } catch {
      return [];
    }
  });
  return new Set(directories.filter((name) => name.startsWith("ctr-main-"))).size;
}

podTest(
  "a daemon killed at any moment of starts and stops doubles nothing and leaves nothing",
  async (root) => {
    const random = seeded(20261123);
    const file = root.manifest(shellPod("web", SLEEPER, "terminationGracePeriodSeconds: 1"));
    for (let round = 0; round < 12; round++) {
      const daemon = root.command(["serve"], { stdin: "null", stdout: "null", stderr: "null" }).spawn();
      const command = round % 3 === 2 ? ["down", file] : ["up", "-d", "--timeout", "1s", file];
      const other = root.command(command, { stdin: "null", stdout: "null", stderr: "null" }).spawn();
      await new Promise((resolve) => setTimeout(resolve, 100 + random() * 700));
      for (const process of [daemon, other]) {
        try {
          process.kill("SIGKILL");
        } catch {
          // it has ended already
        }
      }
      await crashDaemon(root);
      await Promise.all([daemon.status, other.status]);
      const uids = (await root.pods()).map(({ metadata }) => metadata!.uid!);
      ok(uids.length <= 1, `round ${round}: ${uids.length} pods of one name`);
      for (const uid of uids) ok(copies(root, uid) <= 1, `round ${round}: ${copies(root, uid)} copies`);
    }
    await root.ok("up", "-d", file);
    strictEqual((await root.pod("web")).status?.phase, "Running");
    await root.ok("down", "--all");
    strictEqual(root.cgroups().join(), "");
  },
);

podTest(
  "a damaged record costs the pod's memory alone, and down --all removes all of the pod",
  async (root) => {
    await root.up(shellPod("whole", SLEEPER, ""));
    for (const damage of ["{", "\0garbage"]) {
      await root.up(shellPod("hurt", SLEEPER, ""));
      const uid = await uidOf(root, "hurt");
      await crashDaemon(root);
      Deno.writeTextFileSync(`${root.path}/run/pods/${uid}/record.json`, damage);
      deepStrictEqual((await root.pods()).map(({ metadata }) => metadata?.name), ["whole"]);
      ok(cgroupPids(root, `pod${uid}/ctr-main-0`).length > 0, "the pod was touched");
      // a pod of its name takes its place; there are never two
      await root.up(shellPod("hurt", SLEEPER, ""));
      strictEqual(cgroupPids(root, `pod${uid}/ctr-main-0`).length, 0);
    }
    const uid = await uidOf(root, "hurt");
    await crashDaemon(root);
    Deno.writeTextFileSync(`${root.path}/run/pods/${uid}/record.json`, "{");
    match(await root.ok("down", "--all", "--now"), /pod "hurt" removed, whose record was damaged/);
    strictEqual(root.cgroups().join(), "");
  },
);

podTest("down --all removes a pod of which only the cgroup is left", async (root) => {
  await root.up(shellPod("web", SLEEPER, ""));
  const uid = await uidOf(root, "web");
  await crashDaemon(root);
  Deno.removeSync(`${root.path}/run/pods/${uid}`, { recursive: true });
  await root.ok("down", "--all");
  strictEqual(root.cgroups().join(), "");
});

podTest(
  "a daemon that lives long keeps neither descriptors nor memory of pods that are gone",
  async (root) => {
    const daemon = await startDaemon(root);
    const pods = ["a", "b", "c", "d", "e"].map((name) =>
      shellPod(name, SLEEPER, "terminationGracePeriodSeconds: 0")
    );
    const file = root.manifest(pods.join("---\n"));
    const cycle = async (): Promise<void> => {
      await root.ok("up", "-d", file);
      await root.ok("down", file);
    };
    const descriptors = (): number => [...Deno.readDirSync(`/proc/${daemon.pid}/fd`)].length;
    const kilobytes = (): number =>
      Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${daemon.pid}/status`))?.[1]);
    for (let round = 0; round < 2; round++) await cycle();
    const before = { descriptors: descriptors(), kilobytes: kilobytes() };
    for (let round = 0; round < 4; round++) await cycle();
    strictEqual(descriptors(), before.descriptors);
    ok(kilobytes() < before.kilobytes + 30_000, `${before.kilobytes} kB became ${kilobytes()} kB`);
    daemon.kill("SIGTERM");
    strictEqual((await daemon.status).code, 0);
  },
);

podTest("a second daemon of a root is refused by the name of the first", async (root) => {
  const daemon = await startDaemon(root);
  const said = await root.run(["serve"]);
  strictEqual(said.code, 1);
  match(said.stderr, new RegExp(`process ${daemon.pid} does already`));
  daemon.kill("SIGTERM");
  await daemon.status;
});
