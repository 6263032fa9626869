/** The daemon of a test's root. */
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
