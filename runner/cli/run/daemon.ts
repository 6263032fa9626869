import { SeedpodError } from "../../base/mod.ts";
import { type Root, tryLock } from "../../state/mod.ts";

/** The lock of the one daemon of a root. */
export function daemonLockPath(root: Root): string {
  return `${root.run}/daemon.lock`;
}

/** Tells `serve` that nobody waits for it: it leaves when no pod needs it any more. */
export const DETACHED_VARIABLE = "SEEDPOD_DETACHED";

/** Leaves a daemon behind unless one serves the root already. */
export function ensureDaemon(root: Root): void {
  const lock = tryLock(daemonLockPath(root));
  if (!lock) return;
  lock.close();
  const main = new URL("../../main.ts", import.meta.url);
  const config = new URL("../../../deno.json", import.meta.url);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", "--config", config.pathname, main.pathname, "serve"],
    cwd: "/",
    env: { [DETACHED_VARIABLE]: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  });
  try {
    command.spawn().unref();
  } catch (error) {
    throw new SeedpodError("Cannot leave a daemon behind", { cause: error });
  }
}
