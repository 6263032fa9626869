/** The messages between a client and infra: `struct message` of infra.c, 128 bytes, little-endian, both ways alike. */

/** Bytes of every message. */
export const MESSAGE_BYTES = 128;

const REQUEST = { spawn: 1, ack: 2, kill: 3, list: 4, takeFd: 5, shutdown: 6 } as const;
const FLAG_OWN_PIDNS = 1;
const FLAG_EPHEMERAL = 2;
const FLAG_TELL_PID = 4;
const NO_STEP = -1;

/** Where a process that infra keeps stands. */
export type ProcessState = "starting" | "running" | "exited";
const STATES: readonly (ProcessState | undefined)[] = [undefined, "starting", "running", "exited"];

/** How infra keeps the output of a process: CRI log files `<attempt>.log`, `<attempt>.log.1`, … in a directory. */
export interface LogSettings {
  /** Index of the passed descriptor of the directory. */
  readonly directory: number;
  /** The number in the file's name. */
  readonly attempt: number;
  /** Bytes after which the file is put aside, at the end of a line. */
  readonly maxBytes: number;
  /** Files kept, the one in use included; at least 2. */
  readonly maxFiles: number;
}

/** Asks infra to clone a child that runs a program. The first descriptor of the message is the program's memfd. */
export interface SpawnRequest {
  /** The client's name for the process; refused while another with it is kept. */
  readonly id: bigint;
  /** CLONE_* flags. */
  readonly cloneFlags: number;
  /** Whether the process has a PID namespace of its own, which later ones may enter. */
  readonly ownPidNamespace?: boolean;
  /** The exit need not be kept when the client that asked is gone. */
  readonly ephemeral?: boolean;
  /** A `state` event with the PID follows as soon as the child exists. */
  readonly tellPid?: boolean;
  /** Index of the passed descriptor of the user namespace that the child is born in (stage 0 alone: it stays there). */
  readonly userNamespace?: number;
  /** The process whose namespaces the new one enters; its pidfd is passed to the program as the last descriptor. */
  readonly enter?: bigint;
  /** Index of the passed descriptor of the cgroup v2 directory to be born in. */
  readonly cgroup?: number;
  /** Indexes of the read ends of its output. */
  readonly stdout?: number;
  readonly stderr?: number;
  readonly log?: LogSettings;
  /** Indexes of descriptors to keep with the process; the first can be taken back with `takeFd`. */
  readonly keep?: readonly [number, number?];
}

/** What infra tells. */
export type InfraEvent =
  | { readonly type: "spawned"; readonly id: bigint; readonly pid: number }
  /** `step` is the index in the program, -1 when infra itself could not start it. */
  | { readonly type: "failed"; readonly id: bigint; readonly step: number; readonly errno: number }
  | { readonly type: "exited"; readonly id: bigint } & Exit
  | {
    readonly type: "state";
    readonly id: bigint;
    readonly pid: number;
    readonly state: ProcessState;
    readonly startedMs: number;
  }
    & Exit
  | { readonly type: "end"; readonly id: bigint }
  | { readonly type: "fd"; readonly id: bigint };

/** How a process ended; meaningless before it has. */
export interface Exit {
  /** The wait status, see `wait(2)`. */
  readonly waitStatus: number;
  /** Unix time in milliseconds. */
  readonly finishedMs: number;
  /** Bytes of output that could not be written to the log. */
  readonly droppedBytes: number;
}

class Writer {
  readonly bytes = new Uint8Array(new ArrayBuffer(MESSAGE_BYTES));
  readonly view = new DataView(this.bytes.buffer);

  constructor(type: number, id: bigint) {
    this.view.setUint32(0, type, true);
    this.view.setBigUint64(8, id, true);
    for (let at = 32; at <= 52; at += 4) this.view.setInt32(at, -1, true);
  }
}

/** Encodes a spawn request. */
export function encodeSpawn(request: SpawnRequest): Uint8Array {
  const { bytes, view } = new Writer(REQUEST.spawn, request.id);
  const flags = (request.ownPidNamespace ? FLAG_OWN_PIDNS : 0) | (request.ephemeral ? FLAG_EPHEMERAL : 0) |
    (request.tellPid ? FLAG_TELL_PID : 0);
  view.setUint32(4, flags, true);
  view.setBigUint64(16, BigInt(request.cloneFlags >>> 0), true);
  view.setBigUint64(24, request.enter ?? 0n, true);
  const [keep = -1, keepToo = -1] = request.keep ?? [];
  [
    request.cgroup ?? -1,
    request.stdout ?? -1,
    request.stderr ?? -1,
    request.log?.directory ?? -1,
    keep,
    keepToo,
  ]
    .forEach((index, slot) => view.setInt32(32 + slot * 4, index, true));
  view.setUint32(56, request.log?.attempt ?? 0, true);
  view.setUint32(60, request.log?.maxFiles ?? 2, true);
  view.setBigUint64(64, BigInt(request.log?.maxBytes ?? 0), true);
  view.setInt32(72, request.userNamespace ?? -1, true);
  return bytes;
}

/** Encodes the request to forget an exit. */
export function encodeAck(id: bigint): Uint8Array {
  return new Writer(REQUEST.ack, id).bytes;
}

/** Encodes the request to signal a process; for one that was started under a reaper, the reaper kills all below it. */
export function encodeKill(id: bigint, signal: number): Uint8Array {
  const { bytes, view } = new Writer(REQUEST.kill, id);
  view.setInt32(76, signal, true);
  return bytes;
}

/** Encodes the request for the state of every process, followed by an `end` with the same id. */
export function encodeList(id: bigint): Uint8Array {
  return new Writer(REQUEST.list, id).bytes;
}

/** Encodes the request for the first kept descriptor of a process. */
export function encodeTakeFd(id: bigint): Uint8Array {
  return new Writer(REQUEST.takeFd, id).bytes;
}

/** Encodes the request to exit, with which the kernel ends the pod's PID namespace. */
export function encodeShutdown(): Uint8Array {
  return new Writer(REQUEST.shutdown, 0n).bytes;
}

const toMs = (ns: bigint): number => Number(ns / 1000n) / 1000;

/** Decodes one message of infra; undefined for a type that this version does not know. */
export function decodeEvent(bytes: Uint8Array): InfraEvent | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, MESSAGE_BYTES);
  const id = view.getBigUint64(8, true);
  const pid = view.getInt32(80, true);
  const exit = (): Exit => ({
    waitStatus: view.getInt32(84, true),
    finishedMs: toMs(view.getBigUint64(112, true)),
    droppedBytes: Number(view.getBigUint64(120, true)),
  });
  switch (view.getUint32(0, true)) {
    case 101:
      return { type: "spawned", id, pid };
    case 102: {
      const step = view.getInt32(88, true);
      return { type: "failed", id, step: step < 0 ? NO_STEP : step, errno: view.getInt32(92, true) };
    }
    case 103:
      return { type: "exited", id, ...exit() };
    case 104: {
      const state = STATES[view.getInt32(96, true)];
      if (state === undefined) return undefined;
      return { type: "state", id, pid, state, startedMs: toMs(view.getBigUint64(104, true)), ...exit() };
    }
    case 105:
      return { type: "end", id };
    case 106:
      return { type: "fd", id };
    default:
      return undefined;
  }
}
