import { Socket } from "node:net";
import { CommandNotRun, execInContainer, type ExecIo, type Machine } from "../../engine/mod.ts";
import type { PodRecord } from "../../state/mod.ts";
import { makeRaw, type OwnedFd, TerminalMaster, type WindowSize } from "../../sys/mod.ts";
import type { ExecRequest, Io } from "../io.ts";
import { renderError } from "../view/mod.ts";

/** Runs a command in a container with this process's streams; gives the command's exit status. */
export async function exec(
  machine: Machine,
  record: PodRecord,
  request: ExecRequest,
  io: Io,
): Promise<number> {
  const { command, stdin } = request;
  const tty = request.tty && Deno.stdin.isTerminal();
  if (request.tty && !tty) io.note("Unable to use a TTY - input is not a terminal\n");
  const streams = new Streams(io, stdin);
  using ended = new EndedBySignal();
  const options = { command, stdin, terminal: tty ? consoleSize() : undefined, signal: ended.signal };
  try {
    const status = await execInContainer(machine, record, request.container, options, streams);
    await streams.drained();
    return ended.status ?? status;
  } catch (error) {
    if (!(error instanceof CommandNotRun)) throw error;
    io.note(renderError(error, { color: io.errorColor }));
    return error.exitStatus;
  } finally {
    streams.close();
  }
}

/** A shell's exit statuses for what ends a program from outside. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Notices that this process is to end, so that the command does not outlive whoever waits for it. */
class EndedBySignal implements Disposable {
  readonly #abort = new AbortController();
  readonly #listeners = new DisposableStack();
  /** The exit status for the signal that came; undefined when none did. */
  status: number | undefined;

  constructor() {
    for (const [signal, status] of Object.entries(SIGNALS) as [keyof typeof SIGNALS, number][]) {
      const listener = (): void => {
        this.status = status;
        this.#abort.abort();
      };
      Deno.addSignalListener(signal, listener);
      this.#listeners.defer(() => Deno.removeSignalListener(signal, listener));
    }
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  [Symbol.dispose](): void {
    this.#listeners.dispose();
  }
}

const STDIN = 0;

/** The size of the terminal that this process runs on. */
function consoleSize(): WindowSize {
  try {
    return Deno.consoleSize();
  } catch {
    return { columns: 80, rows: 24 };
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
  readonly #terminals: TerminalMaster[] = [];
  readonly #restore = new DisposableStack();

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

  #terminal(fd: OwnedFd): void {
    const terminal = new TerminalMaster(fd);
    this.#terminals.push(terminal);
    this.#copies.push(this.#show(terminal));
    const resize = (): void => terminal.resize(consoleSize());
    Deno.addSignalListener("SIGWINCH", resize);
    this.#restore.defer(() => Deno.removeSignalListener("SIGWINCH", resize));
    if (!this.#reads) return;
    this.#restore.use(makeRaw(STDIN));
    void this.#type(terminal);
  }

  async #show(terminal: TerminalMaster): Promise<void> {
    for (let text = await terminal.read(); text; text = await terminal.read()) await this.#io.stdout(text);
  }

  async #type(terminal: TerminalMaster): Promise<void> {
    for await (const keys of Deno.stdin.readable) await terminal.write(keys);
  }

  #socket(fd: OwnedFd, ways: { readable: boolean; writable: boolean }): Socket {
    const socket = new Socket({ fd: fd.release(), ...ways });
    // a pipe without reader gives EPIPE: its end
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
    this.#restore.dispose();
    for (const terminal of this.#terminals) terminal.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
