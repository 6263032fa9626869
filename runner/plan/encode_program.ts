/** Lays a program out as bytes: the format that infra (`struct program` in infra.c) and the daemon's executor run. */
import {
  type Arch,
  type ErrnoName,
  errnoNumber,
  flagValue,
  SeedpodError,
  type SyscallName,
  syscallNumber,
} from "../base/mod.ts";
import { type Arg, type Data, type Program, type Step, type StepAction, Text } from "./program.ts";

/** `SPP1`, little-endian. */
export const PROGRAM_MAGIC = 0x31505053;
/** Bytes of the program's head. */
export const PROGRAM_HEAD_BYTES = 32;
/** Bytes of one step. */
export const STEP_BYTES = 72;
/** Steps in one program; the executors refuse more. */
export const MAX_PROGRAM_STEPS = 4096;

/** Arguments of a system call, and errors that a step tolerates: the room in a step. */
const MAX_ARGS = 6;
const MAX_TOLERATED = 2;

/** What a step does, as a number. */
export const STEP_OP = { call: 0, check: 1, reapBelow: 2 } as const;
/** How an argument's value is to be read. */
export const ARG_KIND = { int: 0, data: 1, result: 2, passed: 3 } as const;

/** A program laid out. */
export interface EncodedProgram {
  /** The whole; pointers in it are offsets until an executor adds its base address to each of `relocations`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Offsets of the eight-byte pointers. */
  readonly relocations: readonly number[];
  /** Where the results are kept, eight bytes each. */
  readonly resultsAt: number;
  /** Where each data block lies. */
  readonly offsetOf: ReadonlyMap<Data, number>;
}

const align8 = (value: number): number => (value + 7) & ~7;

const KIND_OF = {
  place: ARG_KIND.data,
  int: ARG_KIND.int,
  flags: ARG_KIND.int,
  data: ARG_KIND.data,
  result: ARG_KIND.result,
  passed: ARG_KIND.passed,
} as const;

/** Writes 64 bits; numbers, which are all but a few values, without a detour over bigints. */
function putInt64(view: DataView, at: number, value: number | bigint): void {
  if (typeof value === "bigint") return view.setBigInt64(at, BigInt.asIntN(64, value), true);
  view.setInt32(at, value, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Every data block of the program, found once each, through arguments, stores and pointers. */
function collectData(program: Program): Data[] {
  const found = new Set<Data>();
  const visit = (data: Data): void => {
    if (found.has(data)) return;
    found.add(data);
    for (const pointer of data.pointers ?? []) visit(pointer.to);
  };
  for (const step of program.steps) {
    if (step.store) visit(step.store.in);
    if ("check" in step.action) visit(step.action.check);
    if ("call" in step.action) {
      for (const arg of step.action.args) if (arg.kind === "data") visit(arg);
    }
  }
  return [...found];
}

class Encoder {
  readonly #program: Program;
  readonly #arch: Arch;
  readonly #offsets = new Map<Data, number>();
  readonly #indexes = new Map<Step, number>();
  readonly #relocations: number[] = [];
  readonly #data: Data[];

  constructor(program: Program, arch: Arch) {
    if (program.steps.length > MAX_PROGRAM_STEPS) {
      throw new SeedpodError(
        `Cannot lay out a program: it has ${program.steps.length} steps, at most ${MAX_PROGRAM_STEPS} are possible`,
        { hint: "Use fewer volume mounts or configMap keys in one container" },
      );
    }
    this.#program = program;
    this.#arch = arch;
    this.#data = collectData(program);
    program.steps.forEach((step, index) => this.#indexes.set(step, index));
  }

  encode(): EncodedProgram {
    const count = this.#program.steps.length;
    const pointers = this.#data.reduce((sum, data) => sum + (data.pointers?.length ?? 0), 0);
    const relocationsAt = PROGRAM_HEAD_BYTES + count * STEP_BYTES;
    const resultsAt = align8(relocationsAt + pointers * 4);
    let end = resultsAt + count * 8;
    for (const data of this.#data) {
      this.#offsets.set(data, end);
      end = align8(end + (data instanceof Text ? data.byteLength : data.bytes.length));
    }
    const bytes = new Uint8Array(new ArrayBuffer(end));
    // a step that is passed over has the result -1, as one whose error is tolerated
    bytes.fill(0xff, resultsAt, resultsAt + count * 8);
    const view = new DataView(bytes.buffer);
    this.#putData(bytes, view);
    [PROGRAM_MAGIC, end, count, pointers, PROGRAM_HEAD_BYTES, relocationsAt, resultsAt, 0]
      .forEach((word, index) => view.setUint32(index * 4, word, true));
    this.#relocations.forEach((at, index) => view.setUint32(relocationsAt + index * 4, at, true));
    this.#program.steps.forEach((step, index) =>
      this.#putStep(view, PROGRAM_HEAD_BYTES + index * STEP_BYTES, step, index)
    );
    return { bytes, relocations: this.#relocations, resultsAt, offsetOf: this.#offsets };
  }

  #putData(bytes: Uint8Array, view: DataView): void {
    for (const data of this.#data) {
      const at = this.#offset(data);
      if (data instanceof Text) {
        data.writeInto(bytes, at);
        continue;
      }
      bytes.set(data.bytes, at);
      for (const pointer of data.pointers ?? []) {
        view.setBigUint64(at + pointer.at, BigInt(this.#offset(pointer.to)), true);
        this.#relocations.push(at + pointer.at);
      }
    }
  }

  #putStep(view: DataView, at: number, step: Step, index: number): void {
    const { op, nr, args } = this.#action(step.action);
    if (args.length > MAX_ARGS || (step.tolerate?.length ?? 0) > MAX_TOLERATED) {
      throw new SeedpodError(
        `Cannot lay out step "${step.name}": at most ${MAX_ARGS} arguments and ${MAX_TOLERATED} tolerated errors fit`,
      );
    }
    view.setUint16(at, nr, true);
    view.setUint16(at + 2, op, true);
    (step.tolerate ?? []).forEach((name: ErrnoName, slot) =>
      view.setUint16(at + 4 + slot * 2, errnoNumber(name), true)
    );
    view.setUint16(at + 8, step.skipOnSuccess ?? 0, true);
    view.setUint16(at + 10, step.resultInto ? this.#index(step.resultInto) : index, true);
    view.setUint32(at + 12, step.store ? this.#offset(step.store.in) + step.store.at : 0, true);
    args.forEach((arg, slot) => {
      view.setUint8(at + 16 + slot, KIND_OF[arg.kind]);
      putInt64(view, at + 24 + slot * 8, this.#value(arg));
    });
  }

  #action(
    action: StepAction,
  ): { op: number; nr: number; args: readonly (Arg | { kind: "place"; at: number })[] } {
    if ("call" in action) {
      return {
        op: STEP_OP.call,
        nr: syscallNumber(action.call as SyscallName, this.#arch),
        args: action.args,
      };
    }
    if ("check" in action) {
      const place = { kind: "place" as const, at: this.#offset(action.check) + action.offset };
      const rest = [action.mask, action.equals, errnoNumber(action.errno)].map((value): Arg => ({
        kind: "int",
        value,
      }));
      return { op: STEP_OP.check, nr: 0, args: [place, ...rest] };
    }
    return { op: STEP_OP.reapBelow, nr: 0, args: [action.children] };
  }

  #value(arg: Arg | { kind: "place"; at: number }): number | bigint {
    switch (arg.kind) {
      case "place":
        return arg.at;
      case "int":
        return arg.value;
      case "flags":
        return flagValue(arg.names, this.#arch);
      case "data":
        return this.#offset(arg);
      case "result":
        return this.#index(arg.step);
      case "passed":
        return arg.index;
    }
  }

  #offset(data: Data): number {
    const offset = this.#offsets.get(data);
    if (offset === undefined) {
      throw new SeedpodError(`Cannot lay out a program: data ${data.text} is not in it`);
    }
    return offset;
  }

  #index(step: Step): number {
    const index = this.#indexes.get(step);
    if (index === undefined) {
      throw new SeedpodError(`Cannot lay out a program: step "${step.name}" is not in it`);
    }
    return index;
  }
}

/** Lays a program out for an architecture. */
export function encodeProgram(program: Program, arch: Arch): EncodedProgram {
  return new Encoder(program, arch).encode();
}
