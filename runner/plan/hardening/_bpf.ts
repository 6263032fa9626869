/** Classic BPF over `struct seccomp_data`: conditions, decision trees and their bytes; see `seccomp(2)`. */
import type { ArgumentCondition } from "./_seccomp_filter.ts";

/** One instruction, `struct sock_filter`. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

// <linux/bpf_common.h>: class, size, mode and source or-ed together.
const BPF_LD_W_ABS = 0x20;
const BPF_ALU_AND_K = 0x54;
const BPF_JMP_JA = 0x05;
const BPF_JMP_JEQ_K = 0x15;
const BPF_JMP_JGT_K = 0x25;
const BPF_JMP_JGE_K = 0x35;
const BPF_RET_K = 0x06;

/** The largest distance of a conditional jump. */
const MAX_JUMP = 255;

// struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6] }, little endian.
const NR_AT = 0;
const ARCH_AT = 4;
const ARGS_AT = 16;

function load(offset: number): Instruction {
  return { code: BPF_LD_W_ABS, jt: 0, jf: 0, k: offset };
}

/** Ends the filter with an answer. */
export function answer(value: number): Instruction {
  return { code: BPF_RET_K, jt: 0, jf: 0, k: value };
}

/** Loads the number of the system call. */
export const LOAD_NR: Instruction = load(NR_AT);

/** Loads the AUDIT_ARCH_ of the caller. */
export const LOAD_ARCH: Instruction = load(ARCH_AT);

/** Goes to `then` when the loaded word equals `k`, to `otherwise` when not. */
export function ifEqual(
  k: number,
  then: readonly Instruction[],
  otherwise: readonly Instruction[],
): Instruction[] {
  return [...jumpOver(BPF_JMP_JEQ_K, k, otherwise.length), ...otherwise, ...then];
}

/** A jump over the next `distance` instructions where the test holds. */
function jumpOver(code: number, k: number, distance: number): Instruction[] {
  if (distance <= MAX_JUMP) return [{ code, jt: distance, jf: 0, k }];
  return [{ code, jt: 0, jf: 1, k }, { code: BPF_JMP_JA, jt: 0, jf: 0, k: distance }];
}

/** What is done from a number on, up to the start of the next interval. */
export interface Interval {
  readonly start: number;
  readonly code: readonly Instruction[];
  /** How often it is expected, against the others. */
  weight: number;
}

/**
 * A search tree over intervals that begin at 0 and ascend, on the loaded word. Every step halves the weight that is
 * left, so that what happens often is found in few.
 */
export function decisionTree(intervals: readonly Interval[]): Instruction[] {
  const weightBefore = [0];
  for (const { weight } of intervals) weightBefore.push(weightBefore.at(-1)! + weight);
  // Built from its end, for a jump knows how far it goes only when what it jumps over stands.
  const reversed: Instruction[] = [];
  const grow = (from: number, to: number): void => {
    if (to - from === 1) {
      reversed.push(...intervals[from]!.code.toReversed());
      return;
    }
    const middle = halfWeight(weightBefore, from, to);
    grow(middle, to);
    const above = reversed.length;
    grow(from, middle);
    reversed.push(...jumpOver(BPF_JMP_JGE_K, intervals[middle]!.start, reversed.length - above).toReversed());
  };
  grow(0, intervals.length);
  return reversed.reverse();
}

/** The index between `from` and `to`, neither of them, that parts the weight most nearly in halves. */
function halfWeight(weightBefore: readonly number[], from: number, to: number): number {
  const goal = (weightBefore[from]! + weightBefore[to]!) / 2;
  let [low, high] = [from + 1, to - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (weightBefore[middle]! < goal) low = middle + 1;
    else high = middle;
  }
  const before = low - 1;
  return before > from && goal - weightBefore[before]! < weightBefore[low]! - goal ? before : low;
}

/** Where a jump inside a rule goes: on in the rule, past the condition that holds, or past the rule. */
type Target = "on" | "pass" | "fail";
type Draft = Omit<Instruction, "jt" | "jf"> & { readonly jt: Target; readonly jf: Target };

/** Answers with `value` when all conditions hold, else goes on behind the rule. */
export function conditional(conditions: readonly ArgumentCondition[], value: number): Instruction[] {
  const parts = conditions.map(test);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const code: Instruction[] = [];
  for (const part of parts) {
    const end = code.length + part.length;
    for (const draft of part) {
      const distance = { on: 0, pass: end - code.length - 1, fail: length - code.length };
      code.push({ ...draft, jt: distance[draft.jt], jf: distance[draft.jf] });
    }
  }
  return [...code, answer(value)];
}

const jump = (code: number, k: number, jt: Target, jf: Target): Draft => ({ code, k, jt, jf });
const step = (code: number, k: number): Draft => jump(code, k, "on", "on");

function test(condition: ArgumentCondition): Draft[] {
  const { index, op } = condition;
  const wide = condition.bits === 64;
  const lowAt = ARGS_AT + 8 * index;
  const [low, lowTwo] = [lower(condition.value), lower(condition.valueTwo)];
  const [high, highTwo] = [upper(condition.value), upper(condition.valueTwo)];
  const loadLow = step(BPF_LD_W_ABS, lowAt);
  const loadHigh = wide ? [step(BPF_LD_W_ABS, lowAt + 4)] : [];
  /** Decides by the upper half where it differs: above, below. */
  const byHigh = (above: Target, below: Target): Draft[] =>
    wide ? [...loadHigh, jump(BPF_JMP_JGT_K, high, above, "on"), jump(BPF_JMP_JEQ_K, high, "on", below)] : [];
  switch (op) {
    case "==":
      return [
        ...loadHigh,
        ...(wide ? [jump(BPF_JMP_JEQ_K, high, "on", "fail")] : []),
        loadLow,
        jump(BPF_JMP_JEQ_K, low, "pass", "fail"),
      ];
    case "!=":
      return [
        ...loadHigh,
        ...(wide ? [jump(BPF_JMP_JEQ_K, high, "on", "pass")] : []),
        loadLow,
        jump(BPF_JMP_JEQ_K, low, "fail", "pass"),
      ];
    case ">":
      return [...byHigh("pass", "fail"), loadLow, jump(BPF_JMP_JGT_K, low, "pass", "fail")];
    case ">=":
      return [...byHigh("pass", "fail"), loadLow, jump(BPF_JMP_JGE_K, low, "pass", "fail")];
    case "<":
      return [...byHigh("fail", "pass"), loadLow, jump(BPF_JMP_JGE_K, low, "fail", "pass")];
    case "<=":
      return [...byHigh("fail", "pass"), loadLow, jump(BPF_JMP_JGT_K, low, "fail", "pass")];
    case "&=":
      return [
        ...loadHigh,
        ...(wide ? [step(BPF_ALU_AND_K, high), jump(BPF_JMP_JEQ_K, highTwo, "on", "fail")] : []),
        loadLow,
        step(BPF_ALU_AND_K, low),
        jump(BPF_JMP_JEQ_K, lowTwo, "pass", "fail"),
      ];
  }
}

function lower(value: bigint): number {
  return Number(value & 0xffff_ffffn);
}

function upper(value: bigint): number {
  return Number(value >> 32n);
}

/** The instructions as the kernel takes them. */
export function encodeInstructions(instructions: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ code, jt, jf, k }, at) => {
    view.setUint16(8 * at, code, true);
    view.setUint8(8 * at + 2, jt);
    view.setUint8(8 * at + 3, jf);
    view.setUint32(8 * at + 4, k, true);
  });
  return bytes;
}
