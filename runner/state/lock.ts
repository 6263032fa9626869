import { errnoNumber } from "../base/mod.ts";
import { cString, flag, OwnedFd, syscall, SysError, trySyscall } from "../sys/mod.ts";

/**
 * Takes an advisory lock on a file that is made when it is missing; undefined when another process holds it. The lock goes
 * with the process however it ends, see `flock(2)`. Any number of readers hold a `shared` one together, and no writer beside.
 */
export function tryLock(path: string, { shared = false } = {}): OwnedFd | undefined {
  const how = flag("O_RDWR", "O_CREAT", "O_CLOEXEC", "O_NOFOLLOW");
  const result = trySyscall("openat", flag("AT_FDCWD"), cString(path), how, 0o600);
  // the directory of a pod goes away with the pod
  if (result === -errnoNumber("ENOENT")) return undefined;
  if (result < 0) throw new SysError(`open the lock "${path}"`, -result);
  const file = new OwnedFd(result);
  const locked = lockNow(file, flag(shared ? "LOCK_SH" : "LOCK_EX", "LOCK_NB"));
  if (locked === 0) return file;
  file.close();
  if (locked === -errnoNumber("EAGAIN")) return undefined;
  throw new SysError(`lock "${path}"`, -locked);
}

const LOCK_TRIES = 3;

/**
 * An answer that flock(2) does not have is asked for again. ENOENT was seen once, on a busy machine; the cause is not known,
 * perhaps errno is changed between the call and its reading. Asking again is safe, and hides nothing that persists.
 */
function lockNow(file: OwnedFd, how: number): number {
  let locked = 0;
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    locked = trySyscall("flock", file.number, how);
    if (locked === 0 || locked === -errnoNumber("EAGAIN")) break;
  }
  return locked;
}

/** Takes the lock for the time of a short synchronous action, waiting for others that do the same. */
export function withLock<T>(path: string, action: () => T): T {
  const how = flag("O_RDWR", "O_CREAT", "O_CLOEXEC", "O_NOFOLLOW");
  using file = new OwnedFd(
    syscall(`open the lock "${path}"`, "openat", flag("AT_FDCWD"), cString(path), how, 0o600),
  );
  syscall(`lock "${path}"`, "flock", file.number, flag("LOCK_EX"));
  return action();
}
