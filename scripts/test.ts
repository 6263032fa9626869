// deno-lint-ignore-file no-console -- a program for the terminal
/**
 * All tests of seedpod, in the order in which a mistake is cheapest to find. Ends with the one line
 * `N passed, N failed`; the exit status is 0 when nothing failed.
 *
 *     deno task test                                    everything
 *     deno task test --no-vm                            without the machine of scripts/vm.ts
 *     deno task test --only unit|kernel|vm              one part
 */
import { parseArgs } from "node:util";
import { installPackages } from "./apt.ts";
import { countRun, emptyTally, skippedEverywhere, type Tally } from "./tally.ts";
import { treeFiles } from "./tree.ts";
import { runInMachine, VM_TESTS } from "./vm.ts";
import { MACHINE_PACKAGES, TEST_FLAGS } from "./vm_image.ts";

/** What the tests alone need from Debian, besides what the test machine needs; seedpod itself needs none of it. */
const TEST_PACKAGES = [
  "busybox-static",
  "gcc",
  "gcc-aarch64-linux-gnu",
  "iproute2",
  "libc6-dev",
  "procps",
  "qemu-user",
  "strace",
];

/** The parts of the tests by what they need. Every folder of tests/ belongs to one, or the run fails. */
const UNIT_TESTS = [
  "tests/tidy_test.ts",
  "tests/mod_test.ts",
  "tests/base",
  "tests/schema",
  "tests/plan",
  "tests/cli",
  "tests/scripts",
];
const LATER_UNIT_TESTS = ["tests/sim", "tests/fuzz"];
const KERNEL_TESTS = [
  "tests/sys",
  "tests/linux",
  "tests/state",
  "tests/infra",
  "tests/volume",
  "tests/engine",
  "tests/pods",
];
const NO_TESTS = ["tests/support"];

/** Tests that may be skipped on every machine, each with the reason; a test that is skipped on one and runs on another is no matter. */
const MAY_SKIP: Record<string, string> = {};

/** Longest time of one step on this machine: a hung test must fail while CI still listens. */
const STEP_TIME_LIMIT_MS = 10 * 60 * 1000;

type Part = "unit" | "kernel" | "vm";

async function main(): Promise<number> {
  const parts = wantedParts();
  if (Deno.uid() !== 0 && (parts.has("kernel") || parts.has("vm"))) {
    console.error("Cannot run the kernel tests: they need root\n  hint: `--only unit` needs none");
    return 1;
  }
  const tally = emptyTally();
  if (parts.has("kernel")) {
    await step(tally, "set-up", () => installPackages([...TEST_PACKAGES, ...MACHINE_PACKAGES]));
  }
  if (parts.has("unit")) {
    for (const task of ["fmt", "lint", "check"]) await step(tally, task, () => denoTask(task));
    await step(tally, "every test belongs to a part", refuseStrayTests);
    await denoTest(tally, "unit tests", UNIT_TESTS);
  }
  if (parts.has("kernel")) await denoTest(tally, "kernel tests", KERNEL_TESTS);
  if (parts.has("unit")) await denoTest(tally, "simulation and fuzz tests", LATER_UNIT_TESTS);
  if (parts.has("vm")) await machineTest(tally);
  judgeSkips(tally, parts.has("kernel") && parts.has("vm"));

  for (const failure of tally.failed) console.log(`FAILED  ${failure}`);
  console.log(`${tally.passed} passed, ${tally.failed.length} failed`);
  return tally.failed.length === 0 ? 0 : 1;
}

function wantedParts(): Set<Part> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { "no-vm": { type: "boolean" }, only: { type: "string", multiple: true } },
  });
  const all: Part[] = ["unit", "kernel", "vm"];
  const unknown = values.only?.find((part) => !all.some((known) => known === part));
  if (unknown !== undefined) {
    throw new Error(`Cannot run the part "${unknown}": the parts are ${all.join(", ")}`);
  }
  return new Set(
    all.filter((part) => (values.only?.includes(part) ?? true) && !(part === "vm" && values["no-vm"])),
  );
}

/** Does one thing that counts as one test; its exception is its failure. */
async function step(tally: Tally, name: string, action: () => void | Promise<void>): Promise<void> {
  const startedMs = announce(name);
  try {
    await action();
    tally.passed++;
    console.log(`   ${seconds(startedMs)}`);
  } catch (error) {
    tally.failed.push(`${name}: ${error instanceof Error ? error.message : error}`);
  }
}

async function denoTask(name: string): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), { args: ["task", "--quiet", name] }).spawn()
    .status;
  if (code !== 0) throw new Error(`exit status ${code}`);
}

/** A test that nobody runs looks like a test that passes. */
function refuseStrayTests(): void {
  const parts = [...UNIT_TESTS, ...LATER_UNIT_TESTS, ...KERNEL_TESTS, ...VM_TESTS, ...NO_TESTS];
  const strays = testFiles(["tests"]).filter((file) => !parts.some((part) => belongsTo(file, part)));
  if (strays.length > 0) throw new Error(`no part of scripts/test.ts runs ${strays.join(", ")}`);
}

function testFiles(parts: readonly string[]): string[] {
  return treeFiles(".").filter((file) =>
    file.endsWith("_test.ts") && parts.some((part) => belongsTo(file, part))
  );
}

function belongsTo(file: string, part: string): boolean {
  return file === part || file.startsWith(`${part}/`);
}

async function denoTest(tally: Tally, name: string, parts: readonly string[]): Promise<void> {
  const files = testFiles(parts);
  if (files.length === 0) return;
  const startedMs = announce(name);
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const frozen = Deno.env.has("CI") ? ["--frozen"] : [];
  const args = ["test", ...TEST_FLAGS, ...frozen, `--junit-path=${report}`, ...files];
  const timeLimit = AbortSignal.timeout(STEP_TIME_LIMIT_MS);
  const { code } = await new Deno.Command(Deno.execPath(), { args, signal: timeLimit, stdin: "null" }).spawn()
    .status;
  countRun(tally, name, code, await Deno.readTextFile(report));
  await Deno.remove(report);
  console.log(`   ${seconds(startedMs)}`);
}

async function machineTest(tally: Tally): Promise<void> {
  const name = "the machine with systemd and cgroup v2";
  const startedMs = announce(name);
  const files = testFiles(VM_TESTS);
  try {
    const { status, junit } = await runInMachine(files);
    countRun(tally, name, status, junit);
  } catch (error) {
    tally.failed.push(`${name}: ${error instanceof Error ? error.message : error}`);
  }
  console.log(`   ${seconds(startedMs)}`);
}

/** With every machine at hand, a test that none of them ran is a failure, unless its reason is written down. */
function judgeSkips(tally: Tally, everywhere: boolean): void {
  for (const test of skippedEverywhere(tally)) {
    const reason = MAY_SKIP[test];
    if (reason !== undefined) console.log(`skipped ${test}: ${reason}`);
    else if (everywhere) tally.failed.push(`${test}: skipped on every machine`);
    else console.log(`skipped ${test}`);
  }
}

function announce(name: string): number {
  console.log(`== ${name}`);
  return performance.now();
}

function seconds(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}

if (import.meta.main) Deno.exit(await main());
