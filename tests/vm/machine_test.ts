import { strict as assert } from "node:assert";
import { syscall } from "../../runner/sys/mod.ts";

/** These tests state what the test machine gives; on any other machine they have nothing to say. */
const inMachine = { ignore: Deno.env.get("SEEDPOD_TEST_MACHINE") !== "vm" };

async function output(command: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(command, { args }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("the machine runs systemd as PID 1, and no unit of it has failed", inMachine, async () => {
  assert.equal((await Deno.readTextFile("/proc/1/comm")).trim(), "systemd");
  const failed = await output("systemctl", "list-units", "--failed", "--plain", "--no-legend");
  assert.equal(failed, "");
  assert.equal((await output("systemctl", "is-system-running")).trim(), "running");
});

Deno.test(
  "the machine has one cgroup hierarchy, v2, with every controller that pods use",
  inMachine,
  async () => {
    const mounts = await Deno.readTextFile("/proc/self/mountinfo");
    const cgroups = mounts.split("\n").filter((line) => / - cgroup2? /.test(line));
    assert.equal(cgroups.length, 1);
    assert.match(cgroups[0] ?? "", / \/ \/sys\/fs\/cgroup .* - cgroup2 /);
    const controllers = (await Deno.readTextFile("/sys/fs/cgroup/cgroup.controllers")).trim().split(" ");
    for (const name of ["cpu", "cpuset", "hugetlb", "io", "memory", "pids"]) {
      assert.ok(
        controllers.includes(name),
        name,
      );
    }
  },
);

Deno.test("the machine has huge pages to hand out", inMachine, async () => {
  const total = /^HugePages_Total:\s+(\d+)$/m.exec(await Deno.readTextFile("/proc/meminfo"))?.[1];
  assert.ok(Number(total) > 0, `HugePages_Total is ${total}`);
});

Deno.test("the machine mounts overlay on its own root file system", inMachine, async () => {
  const directory = await Deno.makeTempDir();
  for (const name of ["lower", "upper", "work", "merged"]) await Deno.mkdir(`${directory}/${name}`);
  await Deno.writeTextFile(`${directory}/lower/file`, "from below");
  const options = `lowerdir=${directory}/lower,upperdir=${directory}/upper,workdir=${directory}/work`;
  assert.equal(await output("mount", "-t", "overlay", "overlay", "-o", options, `${directory}/merged`), "");
  try {
    assert.equal(await Deno.readTextFile(`${directory}/merged/file`), "from below");
  } finally {
    await output("umount", `${directory}/merged`);
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the machine runs Deno's foreign functions", inMachine, () => {
  assert.equal(syscall("ask for the process's id", "getpid"), Deno.pid);
});
