/** The daemon of a test's root. */
import { ok } from "node:assert/strict";
import type { TestRoot } from "./pods.ts";

/** Its process, or that of the last one there was; undefined before the first. */
export function daemonPid(root: TestRoot): number | undefined {
  try {
    return Number(Deno.readTextFileSync(`${root.path}/run/daemon.pid`));
  } catch {
    return undefined;
  }
}

/** Kills the daemon as a crash would, and waits until it is gone. */
export async function crashDaemon(root: TestRoot): Promise<void> {
  const pid = daemonPid(root);
  while (pid !== undefined && isDaemon(pid)) {
    Deno.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A dead process that nobody has reaped yet has no command line. */
function isDaemon(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("main.ts\0serve");
  } catch {
    return false;
  }
}

/** Starts one in the foreground, and waits until it serves the root. */
export async function startDaemon(root: TestRoot): Promise<Deno.ChildProcess> {
  const daemon = root.command(["serve"], { stdin: "null", stdout: "null", stderr: "inherit" }).spawn();
  const deadlineMs = performance.now() + 20_000;
  while (daemonPid(root) !== daemon.pid) {
    ok(performance.now() < deadlineMs, "the daemon does not come up");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return daemon;
}
