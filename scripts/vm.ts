// deno-lint-ignore-file no-console -- a program for the terminal
/**
 * The machine with systemd and cgroup v2 in which the kernel tests run a second time: Debian packages, booted by
 * QEMU under software emulation, so that it needs no KVM, no network and no loop device.
 *
 *     deno run -A scripts/vm.ts build              builds the machine, once
 *     deno run -A scripts/vm.ts run [TEST...]      runs tests in it, by default all that belong there
 */
import { existsSync } from "node:fs";
import { installPackages } from "./apt.ts";
import {
  cacheDirectory,
  ensureImage,
  MACHINE_PACKAGES,
  type MachineImage,
  makeTreeDisk,
  PORTS,
} from "./vm_image.ts";

/** The whole pods whose making differs most with the cgroup version, the kernel or what the first process is. */
const POD_TESTS = ["lifecycle", "resources", "volumes"].map((name) => `tests/pods/${name}_test.ts`);

/**
 * What runs in the machine unless told otherwise: what meets another kernel there. The rest says the same everywhere or can
 * be named on the command line; under emulation each test takes ten times as long.
 */
export const VM_TESTS: readonly string[] = ["tests/linux", ...POD_TESTS, "tests/vm"];

/** Longest life of the machine: far above a full run, far below the patience of CI. */
const MACHINE_TIME_LIMIT_S = 15 * 60;
const MEMORY_MIB = 3072;
const VIRTUAL_CPUS = 2;
/** Pages of 2 MiB set aside for the tests of hugepages. */
const HUGE_PAGES = 32;
/** Lines of the serial console shown when the machine did not answer. */
const CONSOLE_TAIL_LINES = 40;

/** What a run in the machine came to. */
export interface MachineResult {
  /** The exit status of `deno test`, or undefined when the machine ended without an answer. */
  status: number | undefined;
  /** The JUnit report, empty when there is none. */
  junit: string;
}

/** Builds the machine when needed, boots it with the tree as it is now, and runs tests in it; prints what they print. */
export async function runInMachine(tests: readonly string[]): Promise<MachineResult> {
  await installPackages(MACHINE_PACKAGES);
  const image = await ensureImage();
  const run = await Deno.makeTempDir({ dir: cacheDirectory(), prefix: "run-" });
  try {
    const treeDisk = `${run}/tree.ext4`;
    await makeTreeDisk(Deno.cwd(), treeDisk, tests);
    const code = await boot(image, treeDisk, run);
    const status = await readOr(`${run}/status`, "");
    if (status.trim() === "") await explainSilence(run, code);
    return {
      status: status.trim() === "" ? undefined : Number(status),
      junit: await readOr(`${run}/junit`, ""),
    };
  } finally {
    await Deno.remove(run, { recursive: true });
  }
}

/** Boots the machine and waits until it powers itself off or its time is over; gives QEMU's exit status. */
async function boot(image: MachineImage, treeDisk: string, run: string): Promise<number> {
  // timeout(1) ends the machine even when this process is killed. Standard input stays open and silent: at its end QEMU
  // would close the port that carries the guest's output.
  const args = [
    "--signal=KILL",
    String(MACHINE_TIME_LIMIT_S),
    "qemu-system-x86_64",
    ...qemuArguments(image, treeDisk, run),
  ];
  const qemu = new Deno.Command("timeout", { args, stdin: "piped" }).spawn();
  const stop = () => qemu.kill("SIGTERM");
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, stop);
  try {
    return (await qemu.status).code;
  } finally {
    await qemu.stdin.close();
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, stop);
  }
}

function qemuArguments(image: MachineImage, treeDisk: string, run: string): string[] {
  const kernelArguments = [
    "root=/dev/vda rw console=ttyS0 quiet panic=-1 mitigations=off net.ifnames=0 cryptomgr.notests fsck.mode=skip",
    `systemd.unified_cgroup_hierarchy=1 systemd.show_status=no hugepages=${HUGE_PAGES}`,
  ];
  const disk = (file: string) => ["-drive", `file=${file},format=raw,if=virtio,cache=unsafe,snapshot=on`];
  const port = (id: string, name: string, backend: string) => [
    ...["-chardev", `${backend},id=${id}`],
    ...["-device", `virtserialport,chardev=${id},name=${name}`],
  ];
  return [
    ...["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", String(VIRTUAL_CPUS), "-m", `${MEMORY_MIB}M`],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"],
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", kernelArguments.join(" ")],
    ...disk(image.rootDisk),
    ...disk(treeDisk),
    ...["-serial", `file:${run}/console`, "-device", "virtio-rng-pci", "-device", "virtio-serial-pci"],
    ...port("output", PORTS.output, "stdio,signal=off"),
    ...port("junit", PORTS.junit, `file,path=${run}/junit`),
    ...port("status", PORTS.status, `file,path=${run}/status`),
  ];
}

async function explainSilence(run: string, code: number): Promise<void> {
  const lines = (await readOr(`${run}/console`, "")).trimEnd().split("\n");
  console.error(`The machine ended without an answer (QEMU's exit status ${code}). The end of its console:`);
  for (const line of lines.slice(-CONSOLE_TAIL_LINES)) console.error(`  ${line.trimEnd()}`);
}

async function readOr(path: string, otherwise: string): Promise<string> {
  return await Deno.readTextFile(path).catch(() => otherwise);
}

async function main(words: readonly string[]): Promise<number> {
  const [command, ...tests] = words;
  if (command === "build") {
    await installPackages(MACHINE_PACKAGES);
    console.log((await ensureImage()).rootDisk);
    return 0;
  }
  if (command === "run") {
    const startedMs = performance.now();
    const { status } = await runInMachine(
      tests.length > 0 ? tests : VM_TESTS.filter((part) => existsSync(part)),
    );
    console.log(`vm: ${Math.round((performance.now() - startedMs) / 1000)} s in all`);
    return status ?? 2;
  }
  console.error("usage: vm.ts build | vm.ts run [TEST...]");
  return 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
