import { Socket } from "node:net";
import { execInContainer, type ExecIo, type Machine } from "../../engine/mod.ts";
import type { PodRecord } from "../../state/mod.ts";
import { type OwnedFd, setWindowSize } from "../../sys/mod.ts";
import type { ExecRequest, Io } from "../io.ts";

/** Runs a command in a container with this process's streams; gives the command's exit status. */
export async function exec(
  machine: Machine,
  record: PodRecord,
  request: ExecRequest,
  io: Io,
): Promise<number> {
  const tty = request.tty && Deno.stdin.isTerminal();
  const streams = new Streams(io, request.stdin || tty);
  try {
    const status = await execInContainer(machine, record, request.container, {
      command: request.command,
      stdin: request.stdin,
      tty,
    }, streams);
    await streams.drained();
    return status;
  } finally {
    streams.close();
  }
}

/** What a background child of the command keeps open must not keep the answer: after the command's end this long. */
const DRAIN_MS = 250;

/** Copies between this process's streams and the command's. */
class Streams implements ExecIo {
  readonly #io: Io;
  readonly #reads: boolean;
  readonly #copies: Promise<void>[] = [];
  readonly #sockets: Socket[] = [];
  #restore: (() => void) | undefined;

  constructor(io: Io, reads: boolean) {
    this.#io = io;
    this.#reads = reads;
  }

  connected(ends: Parameters<ExecIo["connected"]>[0]): void {
    if ("terminal" in ends) return this.#terminal(ends.terminal);
    this.#copy(ends.stdout, (bytes) => this.#io.stdout(bytes));
    this.#copy(ends.stderr, (bytes) => this.#io.stderr(bytes));
    if (ends.stdin) this.#feed(this.#socket(ends.stdin, { readable: false, writable: true }));
  }

  #terminal(terminal: OwnedFd): void {
    const resize = (): void => {
      try {
        setWindowSize(terminal, Deno.consoleSize());
      } catch {
        // without a console there is no size to follow
      }
    };
    resize();
    const socket = this.#socket(terminal, { readable: true, writable: true }, false);
    this.#copies.push(this.#pump(socket, (bytes) => this.#io.stdout(bytes)));
    if (!this.#reads) return;
    Deno.stdin.setRaw(true);
    Deno.addSignalListener("SIGWINCH", resize);
    this.#restore = () => {
      Deno.removeSignalListener("SIGWINCH", resize);
      Deno.stdin.setRaw(false);
    };
    this.#feed(socket);
  }

  #socket(fd: OwnedFd, ways: { readable: boolean; writable: boolean }, release = true): Socket {
    const socket = new Socket({ fd: release ? fd.release() : fd.number, ...ways });
    // a terminal whose last process has gone reads EIO, a pipe without reader EPIPE: both are ends
    socket.on("error", () => socket.destroy());
    this.#sockets.push(socket);
    return socket;
  }

  #copy(from: OwnedFd, write: (bytes: Uint8Array) => Promise<void>): void {
    this.#copies.push(this.#pump(this.#socket(from, { readable: true, writable: false }), write));
  }

  async #pump(socket: Socket, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    let last: Promise<void> = Promise.resolve();
    socket.on("data", (data: Uint8Array) => {
      socket.pause();
      last = write(new Uint8Array(data)).finally(() => socket.resume());
    });
    await closed;
    await last;
  }

  #feed(socket: Socket): void {
    const reader = Deno.stdin.readable.getReader();
    const loop = async (): Promise<void> => {
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        if (!socket.write(value!)) await new Promise((resolve) => socket.once("drain", resolve));
      }
      socket.end();
    };
    loop().catch(() => socket.destroy());
  }

  /** Waits until everything that the command wrote is out. */
  async drained(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise<void>((resolve) => timer = setTimeout(resolve, DRAIN_MS));
    await Promise.race([Promise.all(this.#copies), enough]);
    clearTimeout(timer);
  }

  close(): void {
    this.#restore?.();
    for (const socket of this.#sockets) socket.destroy();
  }
}
