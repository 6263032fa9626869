/**
 * The program: system calls as data. One format, two executors: the daemon runs the host's side of a pod's start, infra
 * (C) runs the container's side in the child that becomes the container. What a pod costs the kernel is therefore known
 * before it runs.
 */
import type { ErrnoName, FlagName, SyscallName } from "../base/mod.ts";

/** Where in the pod's manifest a step comes from, such as `["spec", "containers", 0, "image"]`. */
export type ManifestPath = readonly (string | number)[];

/** Bytes in the program's data, with the places in them that are filled in when the program is laid out or runs. */
export interface Data {
  readonly kind: "data";
  /** The bytes as they stand before the links are filled in; also the room that a call writes its answer to. */
  readonly bytes: Uint8Array;
  /** How a person reads it, such as `"/proc"` or `{flags=O_PATH, resolve=RESOLVE_IN_ROOT}`. */
  readonly text: string;
  /** Eight-byte pointers to other data. */
  readonly pointers?: readonly { readonly at: number; readonly to: Data }[];
}

/** The result of an earlier step, as an argument. */
export interface ResultOf {
  readonly kind: "result";
  readonly step: Step;
}

/** The n-th descriptor handed to the executor with the program. */
export interface PassedFd {
  readonly kind: "passed";
  readonly index: number;
  /** What it is, such as `rootfs`. */
  readonly text: string;
}

/** Constants or-ed together, by name. */
export interface Flags {
  readonly kind: "flags";
  readonly names: readonly FlagName[];
}

/** A plain number; `octal` says how a person reads it. */
export interface Int {
  readonly kind: "int";
  readonly value: number | bigint;
  readonly octal?: true;
}

/** One argument of a system call. */
export type Arg = Int | Flags | Data | ResultOf | PassedFd;

/** What an argument may be written as: numbers and flag names stand for themselves. */
export type ArgLike = Arg | number | bigint | FlagName;

/** A system call to be made. */
export interface Call {
  readonly call: SyscallName;
  readonly args: readonly Arg[];
}

/** Not a call, but a question asked of the answer of an earlier one: is `(u32 at offset & mask) == equals`? */
export interface Check {
  readonly check: Data;
  readonly offset: number;
  readonly mask: number;
  readonly equals: number;
  /** The error that the step fails with when the answer is no. */
  readonly errno: ErrnoName;
}

/** Goes on as a new child of the process, which stays behind as its reaper (infra only). */
export interface ReapBelow {
  readonly reapBelow: true;
  /** A descriptor of `/proc/thread-self/children` of the reaper itself. */
  readonly children: ResultOf;
}

/** What a step does. */
export type StepAction = Call | Check | ReapBelow;

/** What happens around a step. */
export interface StepOptions {
  /** The manifest path that asks for it. */
  readonly from?: ManifestPath;
  /** What to do when it fails, one sentence. */
  readonly hint?: string;
  /** Errors (two at most) after which the program goes on; the step's result is then -1. */
  readonly tolerate?: readonly ErrnoName[];
  /** How many of the steps that follow are passed over when this one succeeds. */
  readonly skipOnSuccess?: number;
  /** The earlier step whose result this one's replaces, as when a second try has opened what the first could not. */
  readonly resultInto?: Step;
  /**
   * Where the result is written besides being kept as the step's result: as 32 bits, or (in the daemon alone) as ten
   * characters of a path, such as `////////12` behind `/proc/self/fd`.
   */
  readonly store?: { readonly in: Data; readonly at: number; readonly as?: "path" };
}

/** One step: a name for people, an action, and the rules around it. */
export interface Step extends StepOptions {
  /** Completes the sentence `Cannot …`, such as `mount proc on /proc`. */
  readonly name: string;
  readonly action: StepAction;
}

/** A list of steps, in order. */
export interface Program {
  readonly steps: readonly Step[];
}

/** A plain number read in octal, such as a mode. */
export function octal(value: number): Int {
  return { kind: "int", value, octal: true };
}

/** Or-ed constants. */
export function flags(...names: FlagName[]): Flags {
  return { kind: "flags", names };
}

/** A NUL-terminated string. */
export function text(value: string): Text {
  return new Text(value);
}

const encoder = new TextEncoder();

/**
 * A string that becomes bytes, or words for people, when somebody asks: a start has hundreds of them. ASCII, which nearly
 * all are, is written by hand, since an encoder's call and an array of its own would cost more than the rest of the step.
 */
export class Text implements Data {
  readonly kind = "data";
  readonly #value: string;
  /** UTF-8 where it is not ASCII. */
  readonly #encoded: Uint8Array | undefined;

  /** See {@linkcode text}. */
  constructor(value: string) {
    this.#value = value;
    this.#encoded = isAscii(value) ? undefined : encoder.encode(`${value}\0`);
  }

  /** How many bytes there are, the closing zero with them. */
  get byteLength(): number {
    return this.#encoded?.length ?? this.#value.length + 1;
  }

  get bytes(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength);
    this.writeInto(bytes, 0);
    return bytes;
  }

  get text(): string {
    return JSON.stringify(this.#value);
  }

  /** Writes the bytes to a place that is zero. */
  writeInto(place: Uint8Array, at: number): void {
    if (this.#encoded) return place.set(this.#encoded, at);
    for (let index = 0; index < this.#value.length; index++) {
      place[at + index] = this.#value.charCodeAt(index);
    }
  }
}

function isAscii(value: string): boolean {
  for (let index = 0; index < value.length; index++) if (value.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** Raw bytes; `label` is what a person reads. */
export function bytes(value: Uint8Array, label: string): Data {
  return { kind: "data", bytes: value, text: label };
}

/** The result of an earlier step. */
export function resultOf(step: Step): ResultOf {
  return { kind: "result", step };
}

/** Turns what an argument may be written as into an argument. */
export function toArg(arg: ArgLike): Arg {
  if (typeof arg === "string") return { kind: "flags", names: [arg] };
  if (typeof arg === "object") return arg;
  return { kind: "int", value: arg };
}

/** A system call with its arguments. */
export function call(name: SyscallName, ...args: ArgLike[]): Call {
  return { call: name, args: args.map(toArg) };
}

/** A NULL-terminated vector of strings, as `execve(2)` takes. */
export function vector(strings: readonly string[]): Data {
  return {
    kind: "data",
    bytes: new Uint8Array((strings.length + 1) * 8),
    text: `[${strings.map((string) => JSON.stringify(string)).join(", ")}]`,
    pointers: strings.map((string, index) => ({ at: index * 8, to: text(string) })),
  };
}

/** Collects steps in order; each `add` gives the step, whose result later steps can refer to. */
export class ProgramBuilder {
  readonly #steps: Step[] = [];

  /** How many steps there are so far. */
  get length(): number {
    return this.#steps.length;
  }

  /** Adds a step to the end. */
  add(name: string, action: StepAction, options: StepOptions = {}): Step {
    const step: Step = { name, action, ...options };
    this.#steps.push(step);
    return step;
  }

  /** Adds a step, and steps that are passed over when it succeeds. */
  append(probe: Step, otherwise: ProgramBuilder): Step {
    const step = Object.assign(probe, { skipOnSuccess: otherwise.length });
    this.#steps.push(step, ...otherwise.#steps);
    return step;
  }

  /** Has the result of a step that was added written into data that came to be after it. */
  storeInto(step: Step, store: NonNullable<StepOptions["store"]>): void {
    Object.assign(step, { store });
  }

  /** How a path made of a step's descriptor is shown: `/proc/self/fd/#12`. */
  describe(step: Step): string {
    return `/proc/self/fd/#${this.#steps.indexOf(step) + 1}`;
  }

  /** The program so far. */
  build(): Program {
    return { steps: [...this.#steps] };
  }
}
