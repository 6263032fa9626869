import type { CapabilityName } from "./capabilities.ts";

/** What a filter answers, see `seccomp(2)`: the process is killed, as by SIGSYS. */
export const SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
/** The thread is killed. */
export const SECCOMP_RET_KILL_THREAD = 0x0000_0000;
/** The thread gets SIGSYS. */
export const SECCOMP_RET_TRAP = 0x0003_0000;
/** The call fails with the errno in the low 16 bits. */
export const SECCOMP_RET_ERRNO = 0x0005_0000;
/** A tracer is asked, which hears the message in the low 16 bits. */
export const SECCOMP_RET_TRACE = 0x7ff0_0000;
/** The call is made and logged. */
export const SECCOMP_RET_LOG = 0x7ffc_0000;
/** The call is made. */
export const SECCOMP_RET_ALLOW = 0x7fff_0000;

/** The largest errno that a filter can answer: the kernel's MAX_ERRNO. */
export const MAX_ERRNO = 4095;

/** How an argument is compared with a value. `&=` asks whether `argument & value` equals `valueTwo`. */
export type ArgumentOp = "!=" | "<" | "<=" | "==" | ">=" | ">" | "&=";

/** A condition on one argument of a system call. */
export interface ArgumentCondition {
  /** Which argument, 0 to 5. */
  readonly index: number;
  readonly op: ArgumentOp;
  readonly value: bigint;
  readonly valueTwo: bigint;
  /** 32 for an argument that the kernel itself cuts to an int: the upper half of its register is not looked at. */
  readonly bits: 32 | 64;
}

/** When a rule counts: every include must hold, no exclude may. Empty lists ask nothing. */
export interface RuleScope {
  /** Machines as Docker names them: amd64, arm64. */
  readonly arches: readonly string[];
  /** In includes all of them, in excludes any of them, in the container's bounding set. */
  readonly caps: readonly CapabilityName[];
  /** The oldest kernel, [major, minor]. */
  readonly minKernel: readonly [number, number] | undefined;
}

/** What some system calls are answered when all conditions hold. */
export interface SyscallRule {
  readonly names: readonly string[];
  /** A SECCOMP_RET_ value with its data. */
  readonly returns: number;
  readonly args: readonly ArgumentCondition[];
  readonly includes?: RuleScope;
  readonly excludes?: RuleScope;
}

/** A filter before it is compiled for a machine. */
export interface SeccompFilter {
  /** The answer where no rule says another. */
  readonly defaultReturns: number;
  /**
   * Which numbers count as known; the others are ENOSYS, so that programs fall back to older calls. `table`: those with
   * a name. `rules`: those up to the newest that a rule names, and all of them where the default lets calls through.
   */
  readonly known: "table" | "rules";
  /** Whether 32-bit x86 programs run on x86_64; other foreign ABIs are killed. */
  readonly i386: boolean;
  /** The flags of `seccomp(2)` SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_ values or-ed together. */
  readonly flags: number;
  readonly rules: readonly SyscallRule[];
}
