import type { Socket } from "node:net";
import { INFRA_REPLY_TIMEOUT_MS, SeedpodError } from "../base/mod.ts";
import {
  connectUnix,
  flag,
  type OwnedFd,
  receiveWithDescriptors,
  sendWithDescriptors,
  setReceiveTimeout,
  syscall,
  SysError,
} from "../sys/mod.ts";
import {
  decodeEvent,
  encodeAck,
  encodeKill,
  encodeList,
  encodeShutdown,
  encodeSpawn,
  encodeTakeFd,
  type InfraEvent,
  MESSAGE_BYTES,
  type SpawnRequest,
} from "./protocol.ts";

/** Hears what infra tells; `undefined` once, when the connection has ended. */
export type InfraListener = (event: InfraEvent | undefined) => void;

/** The name of infra's socket in the pod's directory. */
export const INFRA_SOCKET = "infra.sock";

/**
 * One connection to a pod's infra. Requests are written at once; what infra tells arrives through the listener, from the
 * event loop.
 */
export class InfraClient implements Disposable {
  readonly #socket: Socket;
  readonly #fd: number;
  #pending = new Uint8Array(0);

  /** Takes over a connected socket. */
  constructor(connection: OwnedFd, listener: InfraListener) {
    this.#fd = connection.release();
    this.#socket = newSocket({ fd: this.#fd, readable: true, writable: true });
    this.#socket.on("data", (data: Uint8Array) => this.#receive(data, listener));
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.on("close", () => listener(undefined));
  }

  /** Connects to the infra of a pod by the pod's directory; undefined when none listens there. */
  static connect(directory: OwnedFd, listener: InfraListener): InfraClient | undefined {
    const connection = connectUnix(directory, INFRA_SOCKET);
    return connection && new InfraClient(connection, listener);
  }

  /** Whether the connection has ended. */
  get closed(): boolean {
    return this.#socket.destroyed;
  }

  #receive(data: Uint8Array, listener: InfraListener): void {
    const all = new Uint8Array(this.#pending.length + data.length);
    all.set(this.#pending);
    all.set(data, this.#pending.length);
    let at = 0;
    for (; at + MESSAGE_BYTES <= all.length; at += MESSAGE_BYTES) {
      const event = decodeEvent(all.subarray(at, at + MESSAGE_BYTES));
      if (event) listener(event);
    }
    this.#pending = all.slice(at);
  }

  #send(message: Uint8Array, descriptors: readonly number[] = []): void {
    // once destroyed, the socket's number may belong to another file
    if (this.#socket.destroyed) throw new SeedpodError("Cannot reach infra: the connection has ended");
    for (;;) {
      try {
        return sendWithDescriptors(this.#fd, message, descriptors);
      } catch (error) {
        if (!(error instanceof SysError && error.is("EAGAIN"))) throw error;
        awaitWritable(this.#fd);
      }
    }
  }

  /** Asks for a child; `program` is the memfd of its program. */
  spawn(request: SpawnRequest, program: OwnedFd, descriptors: readonly OwnedFd[]): void {
    this.#send(encodeSpawn(request), [program.number, ...descriptors.map((fd) => fd.number)]);
  }

  /** Signals a process of infra's; under a reaper, everything below the reaper is killed. */
  kill(id: bigint, signal: number): void {
    this.#send(encodeKill(id, signal));
  }

  /** Lets infra forget an exit. */
  ack(id: bigint): void {
    this.#send(encodeAck(id));
  }

  /** Asks for the state of every process; an `end` event with this id follows the last. */
  list(id: bigint): void {
    this.#send(encodeList(id));
  }

  /** Asks infra to exit. */
  shutdown(): void {
    this.#send(encodeShutdown());
  }

  /** Lets the program end although the connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  /** Ends the connection. */
  close(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Loads `node:net` when the first connection is made: it costs more than all the rest of a command that only reads. */
function newSocket(options: { fd: number; readable: boolean; writable: boolean }): Socket {
  // deno-lint-ignore no-process-global -- importing node:process costs as much as what is avoided here
  const { Socket } = process.getBuiltinModule("node:net");
  return new Socket(options);
}

/** Waits until infra has read enough of what was sent before; it never waits for us, so this is over in microseconds. */
function awaitWritable(socket: number): void {
  const pollfd = new Uint8Array(new ArrayBuffer(8));
  const view = new DataView(pollfd.buffer);
  view.setInt32(0, socket, true);
  view.setInt16(4, flag("POLLOUT"), true);
  const timespec = new BigInt64Array([BigInt(INFRA_REPLY_TIMEOUT_MS / 1000), 0n]);
  const ready = syscall("wait for infra", "ppoll", pollfd, 1, new Uint8Array(timespec.buffer), 0, 0);
  if (ready === 0) {
    throw new SeedpodError(`Cannot reach infra: it reads nothing for ${INFRA_REPLY_TIMEOUT_MS} ms`);
  }
}

/** Takes the first kept descriptor of a process from infra, on a connection of its own; undefined when there is none. */
export function takeDescriptor(directory: OwnedFd, id: bigint): OwnedFd | undefined {
  using connection = connectUnix(directory, INFRA_SOCKET);
  if (!connection) return undefined;
  setReceiveTimeout(connection.number, INFRA_REPLY_TIMEOUT_MS);
  sendWithDescriptors(connection.number, encodeTakeFd(id), []);
  for (;;) {
    const answer = receiveOnce(connection.number);
    if (!answer) return undefined;
    const event = answer.bytes.length === MESSAGE_BYTES ? decodeEvent(answer.bytes) : undefined;
    if (event?.type === "fd" && event.id === id) return answer.descriptors[0];
    for (const fd of answer.descriptors) fd.close();
  }
}

function receiveOnce(socket: number): { bytes: Uint8Array; descriptors: OwnedFd[] } | undefined {
  try {
    return receiveWithDescriptors(socket, MESSAGE_BYTES);
  } catch (error) {
    if (error instanceof SysError && error.is("EAGAIN")) return undefined;
    throw error;
  }
}
