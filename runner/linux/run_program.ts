import { describeErrno, errnoNumber, SeedpodError, syscallNumber } from "../base/mod.ts";
import {
  ARG_KIND,
  type Call,
  type Data,
  type EncodedProgram,
  encodeProgram,
  type Program,
  PROGRAM_HEAD_BYTES,
  type Step,
  STEP_BYTES,
  STEP_OP,
} from "../plan/mod.ts";
import { addressOf, HOST_ARCH, OwnedFd, rawSyscall } from "../sys/mod.ts";

/** A step of a program that failed, in the daemon or in a container's child. */
export class StepError extends SeedpodError {
  override readonly name = "StepError";
  /** The step. */
  readonly step: Step;
  /** The error number, as in `errno(3)`. */
  readonly errno: number;

  /** The step's own hint goes along. */
  constructor(step: Step, errno: number) {
    super(`Cannot ${step.name}: ${describeErrno(errno)}`, step.hint === undefined ? {} : { hint: step.hint });
    this.step = step;
    this.errno = errno;
  }
}

/** The calls whose results are descriptors: what must be closed when a later step fails. */
export const OPENERS: ReadonlySet<string> = new Set(
  ["openat", "openat2", "open_tree", "fsopen", "fsmount", "socket", "memfd_create", "fspick", "pidfd_open"],
);

function opensDescriptor({ call, args }: Call): boolean {
  const request = args[1];
  return OPENERS.has(call) ||
    (call === "ioctl" && request?.kind === "flags" && request.names.includes("TIOCGPTPEER"));
}

/** What a program left behind in this process: numbers, written data, and descriptors, which close with it. */
export class ProgramResults implements Disposable {
  readonly #values = new Map<Step, number>();
  readonly #descriptors = new Map<Step, OwnedFd>();
  readonly #pipes: Data[] = [];
  readonly #encoded: EncodedProgram;

  /** For {@linkcode runProgram} alone. */
  constructor(encoded: EncodedProgram) {
    this.#encoded = encoded;
  }

  /** The result of a step; -1 where its error was tolerated or the step was passed over. */
  valueOf(step: Step): number {
    return this.#values.get(step) ?? -1;
  }

  /** The descriptor that a step opened; it is closed with these results unless it is released. */
  fdOf(step: Step): OwnedFd {
    const fd = this.#descriptors.get(step);
    if (!fd) throw new SeedpodError(`Cannot use the result of "${step.name}": it opened nothing`);
    return fd;
  }

  /** A 32-bit number that a call wrote into the program's data. */
  wordAt(data: Data, offset: number): number {
    const at = this.#encoded.offsetOf.get(data);
    if (at === undefined) throw new SeedpodError(`Cannot read ${data.text}: it is not in the program`);
    return new DataView(this.#encoded.bytes.buffer).getInt32(at + offset, true);
  }

  /** Keeps the result of a step that succeeded. */
  keep(step: Step, value: number): void {
    const place = step.resultInto ?? step;
    this.#values.set(place, value);
    if (value < 0 || !("call" in step.action)) return;
    if (step.action.call === "pipe2") this.#pipes.push(step.action.args[0] as Data);
    if (opensDescriptor(step.action)) {
      this.#descriptors.get(place)?.close();
      this.#descriptors.set(place, new OwnedFd(value));
    }
    const [first] = step.action.args;
    if (step.action.call === "close" && first?.kind === "result") {
      this.#descriptors.get(first.step)?.release();
      this.#descriptors.delete(first.step);
    }
  }

  /** Closes all that a program which failed had opened, also the ends of pipes, which nobody has taken yet. */
  abandon(): void {
    this[Symbol.dispose]();
    for (const pipe of this.#pipes) [0, 4].forEach((at) => new OwnedFd(this.wordAt(pipe, at)).close());
  }

  [Symbol.dispose](): void {
    for (const fd of this.#descriptors.values()) fd.close();
  }
}

/**
 * Runs a program in this process, step by step. Descriptors that steps open belong to the results; those of a program
 * that fails are closed.
 */
export function runProgram(program: Program, passed: readonly OwnedFd[] = []): ProgramResults {
  const encoded = encodeProgram(program, HOST_ARCH);
  const view = new DataView(encoded.bytes.buffer);
  const base = addressOf(encoded.bytes);
  for (const at of encoded.relocations) {
    view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(base), true);
  }
  const results = new ProgramResults(encoded);
  try {
    runSteps(program, encoded.bytes, base, results, passed);
  } catch (error) {
    results.abandon();
    throw error;
  }
  return results;
}

function runSteps(
  program: Program,
  bytes: Uint8Array,
  base: number,
  results: ProgramResults,
  passed: readonly OwnedFd[],
): void {
  const view = new DataView(bytes.buffer);
  const registers: number[] = new Array(program.steps.length).fill(-1);
  for (let index = 0; index < program.steps.length; index++) {
    const step = program.steps[index]!;
    const at = PROGRAM_HEAD_BYTES + index * STEP_BYTES;
    const result = runStep(view, at, base, registers, passed);
    if (result >= 0) {
      index += view.getUint16(at + 8, true);
    } else if (view.getUint16(at + 4, true) !== -result && view.getUint16(at + 6, true) !== -result) {
      throw new StepError(step, -result);
    }
    const value = Math.max(result, -1);
    registers[view.getUint16(at + 10, true)] = value;
    results.keep(step, value);
    const store = view.getUint32(at + 12, true);
    if (store === 0) continue;
    if (step.store?.as === "path") {
      encoder.encodeInto(String(value).padStart(10, "/"), bytes.subarray(store));
    } else view.setInt32(store, value, true);
  }
}

const encoder = new TextEncoder();

function runStep(
  view: DataView,
  at: number,
  base: number,
  registers: number[],
  passed: readonly OwnedFd[],
): number {
  const arg = (slot: number): number => {
    const value = view.getInt32(at + 24 + slot * 8, true);
    switch (view.getUint8(at + 16 + slot)) {
      case ARG_KIND.data:
        return base + value;
      case ARG_KIND.result:
        return registers[value]!;
      case ARG_KIND.passed:
        return passedNumber(passed, value);
      default:
        return Number(view.getBigInt64(at + 24 + slot * 8, true));
    }
  };
  const op = view.getUint16(at + 2, true);
  if (op === STEP_OP.check) {
    const word = view.getUint32(arg(0) - base, true);
    return ((word & arg(1)) >>> 0) === (arg(2) >>> 0) ? 0 : -arg(3);
  }
  if (op !== STEP_OP.call) {
    throw new SeedpodError("Cannot run a program in the daemon: it has a step for infra alone");
  }
  const nr = view.getUint16(at, true);
  for (;;) {
    const result = rawSyscall(nr, arg(0), arg(1), arg(2), arg(3), arg(4), arg(5));
    if (result !== -EINTR) return result;
    // close(2) has let go of the descriptor all the same, and its number may be another's by now
    if (nr === CLOSE) return 0;
  }
}

const EINTR = errnoNumber("EINTR");
const CLOSE = syscallNumber("close", HOST_ARCH);

function passedNumber(passed: readonly OwnedFd[], index: number): number {
  const fd = passed[index];
  if (!fd) {
    throw new SeedpodError(`Cannot run a program: it asks for descriptor ${index} of ${passed.length}`);
  }
  return fd.number;
}
