import { bytes, call, type Data, type PassedFd, type ProgramBuilder, type Step } from "../program.ts";
import type { CgroupDoors } from "./cgroups.ts";

/** Where a descriptor that is handed to a child comes from: a step of the daemon's program, or a number it wrote. */
export type PassedSource =
  | { readonly kind: "step"; readonly step: Step }
  | { readonly kind: "word"; readonly data: Data; readonly at: number }
  /** One of the caller's own, by its place among them. */
  | { readonly kind: "own"; readonly place: number };

/**
 * The descriptors that go along with a program. Index 0 is the program itself; `first` is the index of the first that is
 * collected here.
 */
export class Passing {
  readonly #sources: PassedSource[] = [];
  readonly #known = new Map<Step, PassedFd>();
  readonly #first: number;

  /** Descriptors before `first` are the caller's business. */
  constructor(first = 1) {
    this.#first = first;
  }

  /** What to pass, in the order of the indexes. */
  get sources(): readonly PassedSource[] {
    return this.#sources;
  }

  /** The index of the next descriptor, or of what infra itself puts behind them. */
  get next(): number {
    return this.#first + this.#sources.length;
  }

  /** Passes what a step of the daemon's program opened; the same step is passed once. */
  pass(step: Step, label: string): PassedFd {
    const known = this.#known.get(step);
    if (known) return known;
    const passed = this.#add({ kind: "step", step }, label);
    this.#known.set(step, passed);
    return passed;
  }

  /** Passes a descriptor whose number a call of the daemon's program wrote, as `pipe2(2)` does. */
  passWord(data: Data, at: number, label: string): PassedFd {
    return this.#add({ kind: "word", data, at }, label);
  }

  /** Passes a descriptor that the caller has, by its place among those. */
  passOwn(place: number, label: string): PassedFd {
    return this.#add({ kind: "own", place }, label);
  }

  #add(source: PassedSource, label: string): PassedFd {
    this.#sources.push(source);
    return { kind: "passed", index: this.next - 1, text: label };
  }
}

/**
 * Adds the entering of the cgroups: the first thing a child does, so that everything after is accounted. Gives the index of
 * the v2 directory that the child is to be born in, where there is one.
 */
export function addEnterCgroups(
  builder: ProgramBuilder,
  passing: Passing,
  doors: CgroupDoors,
): { cgroup?: number } {
  const zero = bytes(new TextEncoder().encode("0"), '"0"');
  for (const tasks of doors.tasks) {
    builder.add("enter its cgroup", call("write", passing.pass(tasks, "tasks"), zero, 1));
  }
  return doors.directory ? { cgroup: passing.pass(doors.directory, "cgroup").index } : {};
}
