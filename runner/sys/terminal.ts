import { syscallNumber } from "../base/mod.ts";
import { OwnedFd } from "./fd.ts";
import { addressOf, libc } from "./libc.ts";
import { flag, HOST_ARCH, syscall, trySyscall, wouldBlock } from "./syscall.ts";

/** The size of a terminal in characters. */
export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

const CHUNK_BYTES = 65_536;
const POLLFD_BYTES = 8;

/**
 * The master's side of a pseudo-terminal, see `pty(7)`, for which Deno has no handle of its own. While nothing can be read
 * or written, one thread of the pool waits for it.
 */
export class TerminalMaster implements Disposable {
  readonly #fd: OwnedFd;
  /** Wakes the waiting threads at the end, see `eventfd(2)`. */
  readonly #wake: OwnedFd;
  #closed = false;
  #waiting = 0;

  /** Takes over the descriptor. */
  constructor(fd: OwnedFd) {
    this.#fd = fd;
    syscall(
      "make a terminal's reads return at once",
      "fcntl",
      fd.number,
      flag("F_SETFL"),
      flag("O_NONBLOCK"),
    );
    this.#wake = new OwnedFd(syscall("make an eventfd", "eventfd2", 0, flag("O_CLOEXEC")));
  }

  /** What the programs on the terminal write; undefined once none has it open any more, or it was closed. */
  async read(): Promise<Uint8Array | undefined> {
    const room = new Uint8Array(new ArrayBuffer(CHUNK_BYTES));
    while (!this.#closed) {
      const length = trySyscall("read", this.#fd.number, room, room.length);
      if (length > 0) return room.subarray(0, length);
      // EIO: the last program has let go of the other side
      if (!wouldBlock(length)) return undefined;
      await this.#ready("POLLIN");
    }
    return undefined;
  }

  /** Types into the terminal; resolves when it has taken all, or is closed. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#closed;) {
      const rest = bytes.slice(at);
      const length = trySyscall("write", this.#fd.number, rest, rest.length);
      if (length >= 0) at += length;
      else if (wouldBlock(length)) await this.#ready("POLLOUT");
      else return;
    }
  }

  /** Tells the programs on the terminal its size (SIGWINCH), see `ioctl_tty(2)` TIOCSWINSZ. */
  resize(size: WindowSize): void {
    const winsize = new Uint16Array([size.rows, size.columns, 0, 0]);
    trySyscall("ioctl", this.#fd.number, flag("TIOCSWINSZ"), new Uint8Array(winsize.buffer));
  }

  async #ready(event: "POLLIN" | "POLLOUT"): Promise<void> {
    const fds = new Uint8Array(new ArrayBuffer(2 * POLLFD_BYTES));
    const view = new DataView(fds.buffer);
    view.setInt32(0, this.#fd.number, true);
    view.setInt16(4, flag(event), true);
    view.setInt32(POLLFD_BYTES, this.#wake.number, true);
    view.setInt16(POLLFD_BYTES + 4, flag("POLLIN"), true);
    this.#waiting++;
    await libc.syscall_blocking(syscallNumber("ppoll", HOST_ARCH), addressOf(fds), 2, 0, 0, 0, 0);
    this.#waiting--;
    // the kernel has written to them until now
    view.getInt16(6, true);
    if (this.#closed) this.#release();
  }

  /** Lets go of the terminal: the programs on it get SIGHUP. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const one = new Uint8Array(new BigUint64Array([1n]).buffer);
    trySyscall("write", this.#wake.number, one, one.length);
    this.#release();
  }

  #release(): void {
    if (this.#waiting > 0) return;
    this.#fd.close();
    this.#wake.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** sizeof(struct termios) of the kernel: four words of flags, the line discipline, 19 control characters. */
const TERMIOS_BYTES = 36;
/** What `cfmakeraw(3)` clears and sets, word by word: input, output, control, local. */
const RAW_CLEAR = [0o2753, 0o1, 0o460, 0o100113] as const;
const RAW_SET = [0, 0, 0o60, 0] as const;

/**
 * Makes a terminal pass on every byte as it is, both ways, see `cfmakeraw(3)`; Deno's raw mode goes on changing output.
 * Disposing of the result makes it as it was.
 */
export function makeRaw(terminal: number): Disposable {
  const before = new Uint8Array(new ArrayBuffer(TERMIOS_BYTES));
  syscall("read the modes of the terminal", "ioctl", terminal, flag("TCGETS"), before);
  const raw = before.slice();
  const words = new Uint32Array(raw.buffer, 0, RAW_CLEAR.length);
  RAW_CLEAR.forEach((bits, index) => words[index] = words[index]! & ~bits | RAW_SET[index]!);
  syscall("make the terminal raw", "ioctl", terminal, flag("TCSETS"), raw);
  return { [Symbol.dispose]: () => void trySyscall("ioctl", terminal, flag("TCSETS"), before) };
}
