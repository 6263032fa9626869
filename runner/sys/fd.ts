import { syscallNumber } from "../base/mod.ts";
import { cString, flag, HOST_ARCH, rawSyscall, syscall, trySyscall } from "./syscall.ts";

/** A descriptor that closes itself at the end of its `using` scope. */
export class OwnedFd implements Disposable {
  #number: number;

  /** Takes ownership of an open descriptor. */
  constructor(number: number) {
    this.#number = number;
  }

  /** The number; -1 once closed or released. */
  get number(): number {
    return this.#number;
  }

  /** Gives the number away: the caller closes it. */
  release(): number {
    const number = this.#number;
    this.#number = -1;
    return number;
  }

  /** Closes it; again is harmless. */
  close(): void {
    // never again after EINTR: the number is free by then, and may be another thread's
    if (this.#number >= 0) rawSyscall(syscallNumber("close", HOST_ARCH), this.release());
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A sealable file in memory with the given content, see `memfd_create(2)`. `exec` allows it to be executed. */
export function openMemfd(name: string, content: Uint8Array, options: { exec?: boolean } = {}): OwnedFd {
  const base = flag("MFD_CLOEXEC", "MFD_ALLOW_SEALING");
  let fd = trySyscall(
    "memfd_create",
    cString(name),
    base | flag(options.exec ? "MFD_EXEC" : "MFD_NOEXEC_SEAL"),
  );
  // before Linux 6.3 there are no MFD_EXEC and MFD_NOEXEC_SEAL, and every memfd can be executed
  if (fd < 0) fd = syscall(`create a file in memory for ${name}`, "memfd_create", cString(name), base);
  const owned = new OwnedFd(fd);
  try {
    for (let at = 0; at < content.length;) {
      const rest = content.subarray(at);
      at += syscall(`write ${name} into memory`, "write", fd, rest, rest.length);
    }
    return owned;
  } catch (error) {
    owned.close();
    throw error;
  }
}

/** Seals a memfd: nobody can change it any more. */
export function sealMemfd(fd: OwnedFd): void {
  const seals = flag("F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE");
  syscall("seal a file in memory", "fcntl", fd.number, flag("F_ADD_SEALS"), seals);
}

/** The read end and the write end of a pipe, see `pipe2(2)`. */
export function makePipe(): [OwnedFd, OwnedFd] {
  const ends = new Int32Array(new ArrayBuffer(8));
  syscall("make a pipe", "pipe2", new Uint8Array(ends.buffer), flag("O_CLOEXEC"));
  return [new OwnedFd(ends[0]!), new OwnedFd(ends[1]!)];
}
