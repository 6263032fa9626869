import { ERRNO, MAX_SECCOMP_INSTRUCTIONS, SeedpodError } from "../../base/mod.ts";
import {
  answer,
  conditional,
  decisionTree,
  encodeInstructions,
  ifEqual,
  type Instruction,
  type Interval,
  LOAD_ARCH,
  LOAD_NR,
} from "./_bpf.ts";
import type { CapabilityName } from "./capabilities.ts";
import { defaultFilter } from "./_seccomp_default.ts";
import {
  type RuleScope,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  type SeccompFilter,
  type SyscallRule,
} from "./_seccomp_filter.ts";
import { type SyscallAbi, syscallNumbers } from "./_syscall_numbers.ts";

/** The machine that a filter is compiled for. */
export type SeccompArch = "x86_64" | "aarch64";

/** A container's seccompProfile; `Localhost` carries the file, read by {@linkcode parseSeccompProfile}. */
export type SeccompProfile =
  | { readonly type: "RuntimeDefault" }
  | { readonly type: "Localhost"; readonly filter: SeccompFilter }
  | { readonly type: "Unconfined" };

/** A kernel version, [major, minor]. */
export type KernelVersion = readonly [number, number];

// Nothing older is run on, so a minKernel up to here always holds.
const KERNEL_FLOOR: KernelVersion = [5, 14];

// <linux/audit.h>
const AUDIT_ARCH: Record<SyscallAbi, number> = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7 };

/** Where the x32 numbers begin, __X32_SYSCALL_BIT: the same AUDIT_ARCH as x86_64 under other numbers. */
const X32_SYSCALL_BIT = 0x4000_0000;

const ENOSYS = SECCOMP_RET_ERRNO | ERRNO.ENOSYS[0];

/** What programs call most: found in the fewest steps. */
const HOT: readonly string[] =
  ("read write readv writev pread64 pwrite64 futex epoll_wait epoll_pwait poll ppoll recvmsg sendmsg recvfrom sendto " +
    "close openat fstat newfstatat lseek mmap munmap clock_gettime clock_nanosleep rt_sigprocmask ioctl madvise")
    .split(" ");
const HOT_WEIGHT = 32;

/**
 * The classic BPF program of a profile, `struct sock_filter[]`, for `seccomp(2)` SECCOMP_SET_MODE_FILTER; undefined for
 * `Unconfined`. Rules mean what libseccomp and runc make of them: a rule without arguments goes before those with, the
 * first of several counts, a rule that only repeats the default action and names that the machine has no number for
 * are skipped. Where 32-bit x86 is not allowed, and for every other foreign ABI, the process is killed; x32 is ENOSYS.
 * Calls that are allowed whatever their arguments never load one, so the kernel (since 5.11) lets them through from a
 * bitmap without running the program.
 *
 * @param capabilities The container's bounding set, which the profile's conditions are about.
 * @param kernel The host's version, for `minKernel`.
 * @throws {SeedpodError} when the program is longer than the kernel's BPF_MAXINSNS.
 */
export function compileSeccomp(
  profile: SeccompProfile,
  arch: SeccompArch,
  capabilities: ReadonlySet<CapabilityName>,
  kernel: KernelVersion = KERNEL_FLOOR,
): Uint8Array<ArrayBuffer> | undefined {
  if (profile.type === "Unconfined") return undefined;
  const filter = filterOf(profile);
  const rules = filter.rules.filter((rule) => applies(rule, arch, capabilities, kernel));
  let foreign = [answer(SECCOMP_RET_KILL_PROCESS)];
  if (arch === "x86_64" && filter.i386) {
    foreign = ifEqual(AUDIT_ARCH.i386, compileAbi(filter, rules, "i386"), foreign);
  }
  const program = [LOAD_ARCH, ...ifEqual(AUDIT_ARCH[arch], compileAbi(filter, rules, arch), foreign)];
  if (program.length > MAX_SECCOMP_INSTRUCTIONS) {
    throw new SeedpodError(
      `Cannot compile seccomp profile: it takes ${program.length} instructions, the kernel allows ${MAX_SECCOMP_INSTRUCTIONS}`,
      { fault: "user", hint: "Use fewer rules with arguments" },
    );
  }
  return encodeInstructions(program);
}

/** The flags for `seccomp(2)` that go with the profile's program: SECCOMP_FILTER_FLAG_ values or-ed together. */
export function seccompFlags(profile: SeccompProfile): number {
  return profile.type === "Localhost" ? profile.filter.flags : 0;
}

function filterOf(profile: Exclude<SeccompProfile, { type: "Unconfined" }>): SeccompFilter {
  return profile.type === "Localhost" ? profile.filter : defaultFilter();
}

/** Docker's names of the machines in the conditions of a rule. */
const DOCKER_ARCH: Record<SeccompArch, string> = { x86_64: "amd64", aarch64: "arm64" };

function applies(
  rule: SyscallRule,
  arch: SeccompArch,
  capabilities: ReadonlySet<CapabilityName>,
  kernel: KernelVersion,
): boolean {
  const named = (scope: RuleScope) => scope.arches.includes(DOCKER_ARCH[arch]);
  const reached = ([major, minor]: KernelVersion) =>
    kernel[0] > major || (kernel[0] === major && kernel[1] >= minor);
  const { includes, excludes } = rule;
  if (includes !== undefined) {
    if (includes.arches.length > 0 && !named(includes)) return false;
    if (!includes.caps.every((capability) => capabilities.has(capability))) return false;
    if (includes.minKernel !== undefined && !reached(includes.minKernel)) return false;
  }
  if (excludes === undefined) return true;
  if (named(excludes) || excludes.caps.some((capability) => capabilities.has(capability))) return false;
  return excludes.minKernel === undefined || !reached(excludes.minKernel);
}

/** What one number is answered: always the same, or by its arguments. */
interface Decision {
  always: number | undefined;
  readonly conditional: SyscallRule[];
}

function compileAbi(filter: SeccompFilter, rules: readonly SyscallRule[], abi: SyscallAbi): Instruction[] {
  const numbers = syscallNumbers(abi);
  const decisions = decide(rules, numbers, filter.defaultReturns);
  const isKnown = knownNumbers(filter, numbers);
  const hot = new Set(HOT.map((name) => numbers.get(name)));
  const intervals: Interval[] = [];
  const end = Math.max(...numbers.values()) + 1;
  for (let number = 0; number < end; number++) {
    const otherwise = isKnown(number) ? filter.defaultReturns : unknownReturns(filter);
    const decision = decisions.get(number);
    const weight = hot.has(number) ? HOT_WEIGHT : 1;
    if (decision === undefined) addAnswer(intervals, number, otherwise, weight);
    else if (decision.always !== undefined) addAnswer(intervals, number, decision.always, weight);
    else {intervals.push({
        start: number,
        code: compileRules(decision.conditional, otherwise),
        weight: weight + 1,
      });}
  }
  addAnswer(intervals, end, unknownReturns(filter), 1);
  if (abi === "x86_64") addAnswer(intervals, X32_SYSCALL_BIT, ENOSYS, 1);
  return [LOAD_NR, ...decisionTree(intervals)];
}

/** Answers all numbers from `start` on; an interval with the same answer before them grows. */
function addAnswer(intervals: Interval[], start: number, returns: number, weight: number): void {
  const before = intervals.at(-1);
  if (before?.code.length === 1 && before.code[0]!.k === returns) {
    before.weight = Math.max(before.weight, weight);
  } else intervals.push({ start, code: [answer(returns)], weight });
}

function compileRules(rules: readonly SyscallRule[], otherwise: number): Instruction[] {
  return [...rules.flatMap((rule) => conditional(rule.args, rule.returns)), answer(otherwise)];
}

function decide(
  rules: readonly SyscallRule[],
  numbers: ReadonlyMap<string, number>,
  defaultReturns: number,
): Map<number, Decision> {
  const decisions = new Map<number, Decision>();
  for (const rule of rules) {
    if (rule.returns === defaultReturns) continue;
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number === undefined) continue;
      const decision = decisions.get(number) ?? { always: undefined, conditional: [] };
      decisions.set(number, decision);
      if (rule.args.length > 0) decision.conditional.push(rule);
      else decision.always ??= rule.returns;
    }
  }
  return decisions;
}

/** Whether the default action is for a number. */
function knownNumbers(
  filter: SeccompFilter,
  numbers: ReadonlyMap<string, number>,
): (number: number) => boolean {
  if (filter.known === "table") {
    const inTable = new Set(numbers.values());
    return (number) => inTable.has(number);
  }
  const newest = Math.max(
    -1,
    ...filter.rules.flatMap((rule) => rule.names.map((name) => numbers.get(name) ?? -1)),
  );
  return (number) => number <= newest;
}

/** The answer to a number that the profile cannot have meant; a profile that lets calls through by default means all. */
function unknownReturns(filter: SeccompFilter): number {
  const action = filter.defaultReturns & 0x7fff_0000;
  const lets = [SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE].includes(action);
  return lets ? filter.defaultReturns : ENOSYS;
}
