import { errnoNumber } from "../base/mod.ts";
import { SysError } from "./error.ts";
import { OwnedFd } from "./fd.ts";
import { addressOf, keepAlive, libc } from "./libc.ts";
import { cString, syscall, trySyscall } from "./syscall.ts";

/** sizeof(posix_spawn_file_actions_t) is 80 in glibc on both architectures. */
const FILE_ACTIONS_BYTES = 128;

/** Starts an executable by descriptor with no environment and with `dup2`ed descriptors (others are closed on exec); gives its PID. */
export function spawnExecutable(
  executable: OwnedFd,
  name: string,
  descriptors: ReadonlyMap<number, OwnedFd>,
): number {
  const actions = new Uint8Array(new ArrayBuffer(FILE_ACTIONS_BYTES));
  const pid = new Int32Array(new ArrayBuffer(4));
  const argv0 = cString(name);
  const argv = new BigUint64Array([BigInt(addressOf(argv0)), 0n]);
  const envp = new BigUint64Array([0n]);
  libc.posix_spawn_file_actions_init(actions);
  for (const [target, source] of descriptors) {
    libc.posix_spawn_file_actions_adddup2(actions, source.number, target);
  }
  const error = libc.posix_spawn(
    new Uint8Array(pid.buffer),
    cString(`/proc/self/fd/${executable.number}`),
    actions,
    null,
    new Uint8Array(argv.buffer),
    new Uint8Array(envp.buffer),
  );
  libc.posix_spawn_file_actions_destroy(actions);
  keepAlive(argv0);
  if (error !== 0) throw new SysError(`start ${name}`, error);
  return pid[0]!;
}

/** Waits for one child of this process to end and gives its wait status; only ever by PID, so no other child is taken away. */
export function waitChild(pid: number): number {
  const status = new Int32Array(new ArrayBuffer(4));
  syscall(`wait for process ${pid}`, "wait4", pid, new Uint8Array(status.buffer), 0, 0);
  return status[0]!;
}

/** A descriptor of a process, see `pidfd_open(2)`; undefined when there is no such process. */
export function openPidfd(pid: number): OwnedFd | undefined {
  const result = trySyscall("pidfd_open", pid, 0);
  if (result === -errnoNumber("ESRCH")) return undefined;
  if (result < 0) throw new SysError(`open process ${pid}`, -result);
  return new OwnedFd(result);
}

/** Sends a signal through a pidfd; false when the process has ended. */
export function signalPidfd(pidfd: OwnedFd, signal: number): boolean {
  const result = trySyscall("pidfd_send_signal", pidfd.number, signal, 0, 0);
  if (result === -errnoNumber("ESRCH")) return false;
  if (result < 0) throw new SysError(`send signal ${signal}`, -result);
  return true;
}
