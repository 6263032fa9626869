import { ERRNO, messageOf, SeedpodError } from "../../base/mod.ts";
import { CAPABILITY_NAMES, type CapabilityName } from "./capabilities.ts";
import {
  type ArgumentCondition,
  type ArgumentOp,
  MAX_ERRNO,
  type RuleScope,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  type SyscallRule,
} from "./_seccomp_filter.ts";
import type { SeccompProfile } from "./seccomp.ts";

const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_ALLOW: SECCOMP_RET_ALLOW,
  SCMP_ACT_ERRNO: SECCOMP_RET_ERRNO,
  SCMP_ACT_KILL: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET_KILL_PROCESS,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_LOG: SECCOMP_RET_LOG,
  SCMP_ACT_TRACE: SECCOMP_RET_TRACE,
  SCMP_ACT_TRAP: SECCOMP_RET_TRAP,
};

const OPS: Readonly<Record<string, ArgumentOp>> = {
  SCMP_CMP_NE: "!=",
  SCMP_CMP_LT: "<",
  SCMP_CMP_LE: "<=",
  SCMP_CMP_EQ: "==",
  SCMP_CMP_GE: ">=",
  SCMP_CMP_GT: ">",
  SCMP_CMP_MASKED_EQ: "&=",
};

// <linux/seccomp.h>; WAIT_KILLABLE_RECV belongs to a listener, which there is none of here.
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

const ARCHITECTURES = new Set(
  ("X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PARISC PARISC64 " +
    "PPC PPC64 PPC64LE RISCV64 S390 S390X SH SHEB").split(" ").map((name) => `SCMP_ARCH_${name}`),
);

const DOCKER_ARCHES = new Set(
  ("386 x86 amd64 x32 arm arm64 loong64 loongarch64 mips mipsel mipsle mips64 mips64n32 mipsel64 mipsel64n32 " +
    "mips3l64n32 parisc parisc64 ppc ppc64 ppc64le riscv64 s390 s390x").split(" "),
);

/**
 * Reads the text of a `Localhost` profile file: {@linkcode parseSeccompProfile} with whole numbers up to 2^64-1.
 *
 * @throws {SeedpodError} when it is no JSON or no profile.
 */
export function parseSeccompJson(text: string): SeccompProfile {
  let json: unknown;
  try {
    json = JSON.parse(text, exactInteger as (key: string, value: unknown) => unknown);
  } catch (thrown) {
    throw new SeedpodError(`Cannot read seccomp profile: ${messageOf(thrown)}`, {
      fault: "user",
      cause: thrown,
    });
  }
  return parseSeccompProfile(json);
}

/** Keeps an integer that a double cannot hold as a bigint of its digits. */
function exactInteger(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return /^[0-9]+$/.test(context.source ?? "") ? BigInt(context.source!) : value;
}

/**
 * Reads a seccomp profile in the OCI runtime's format with Docker's and podman's additions (`archMap`, `includes`,
 * `excludes`, `errno`), which
 * is what a `Localhost` profile is. What it does not know (a key, an action, an operator, an architecture, a
 * capability) is an error; the name of a system call that it does not know is no error, as with libseccomp: the rule is
 * without effect for that name. `null` is as good as left out.
 *
 * @param json What JSON.parse made of the file; integers above 2^53 as bigint.
 * @throws {SeedpodError} with the place in the profile.
 */
export function parseSeccompProfile(json: unknown): SeccompProfile {
  const profile = record(json, "the profile", [
    "defaultAction",
    "defaultErrnoRet",
    "defaultErrno",
    "architectures",
    "archMap",
    "flags",
    "syscalls",
    "comment",
  ]);
  const flags = list(profile.flags, "flags").map((flag, at) => lookUp(FLAGS, flag, `flags[${at}]`));
  return {
    type: "Localhost",
    filter: {
      defaultReturns: returns(profile, "", "defaultAction", "defaultErrnoRet", "defaultErrno"),
      known: "rules",
      i386: architectures(profile).includes("SCMP_ARCH_X86"),
      flags: flags.reduce((all, flag) => all | flag, 0),
      rules: list(profile.syscalls, "syscalls").flatMap((rule, at) => syscallRules(rule, `syscalls[${at}]`)),
    },
  };
}

/** The architectures that a profile is for on x86_64, where alone there is more than one to tell apart. */
function architectures(profile: Fields): string[] {
  if (profile.architectures !== undefined && profile.archMap !== undefined) {
    throw wrong("archMap", "cannot stand beside architectures");
  }
  const read = (value: unknown, at: string) =>
    list(value, at).map((name, index) => known(ARCHITECTURES, name, `${at}[${index}]`));
  const listed = read(profile.architectures, "architectures");
  const mapped = list(profile.archMap, "archMap").flatMap((entry, index) => {
    const at = `archMap[${index}]`;
    const fields = record(entry, at, ["architecture", "subArchitectures"]);
    const main = known(ARCHITECTURES, fields.architecture, `${at}.architecture`);
    const subs = read(fields.subArchitectures, `${at}.subArchitectures`);
    return main === "SCMP_ARCH_X86_64" ? subs : [];
  });
  return [...listed, ...mapped];
}

function syscallRules(json: unknown, at: string): SyscallRule[] {
  const rule = record(json, at, [
    "name",
    "names",
    "action",
    "errnoRet",
    "errno",
    "args",
    "includes",
    "excludes",
    "comment",
  ]);
  if (rule.name !== undefined && rule.names !== undefined) {
    throw wrong(`${at}.name`, "cannot stand beside names");
  }
  const names = rule.name === undefined ? list(rule.names, `${at}.names`) : [rule.name];
  if (names.length === 0) throw wrong(`${at}.names`, "is empty");
  const common = {
    names: names.map((name, index) => text(name, `${at}.names[${index}]`)),
    returns: returns(rule, `${at}.`, "action", "errnoRet", "errno"),
    ...(rule.includes === undefined ? {} : { includes: scope(rule.includes, `${at}.includes`) }),
    ...(rule.excludes === undefined ? {} : { excludes: scope(rule.excludes, `${at}.excludes`) }),
  };
  const args = list(rule.args, `${at}.args`).map((arg, index) => condition(arg, `${at}.args[${index}]`));
  // libseccomp takes one comparison of an argument a rule, so runc makes a repeated one a rule of its own each: or, not and.
  if (new Set(args.map((arg) => arg.index)).size < args.length) {
    return args.map((arg) => ({ ...common, args: [arg] }));
  }
  return [{ ...common, args }];
}

function condition(json: unknown, at: string): ArgumentCondition {
  const arg = record(json, at, ["index", "value", "valueTwo", "op"]);
  const index = Number(integer(arg.index, `${at}.index`, 5n));
  const op = lookUp(OPS, arg.op, `${at}.op`);
  const word = (value: unknown, name: string) => integer(value ?? 0, `${at}.${name}`, 0xffff_ffff_ffff_ffffn);
  return { index, op, value: word(arg.value, "value"), valueTwo: word(arg.valueTwo, "valueTwo"), bits: 64 };
}

function scope(json: unknown, at: string): RuleScope {
  const fields = record(json, at, ["arches", "caps", "minKernel"]);
  const capabilities = new Set<string>(CAPABILITY_NAMES);
  return {
    arches: list(fields.arches, `${at}.arches`).map((name, index) =>
      known(DOCKER_ARCHES, name, `${at}.arches[${index}]`)
    ),
    caps: list(fields.caps, `${at}.caps`).map((name, index) =>
      known(capabilities, name, `${at}.caps[${index}]`) as CapabilityName
    ),
    minKernel: fields.minKernel === undefined ? undefined : version(fields.minKernel, `${at}.minKernel`),
  };
}

function version(json: unknown, at: string): [number, number] {
  const match = /^([0-9]{1,4})\.([0-9]{1,4})$/.exec(text(json, at));
  if (match === null) throw wrong(at, "is not a version such as 5.14");
  return [Number(match[1]), Number(match[2])];
}

/** The answer in the fields of these names: an action, and its errno as a number or (podman's way) by name, or both alike. */
function returns(fields: Fields, at: string, actionKey: string, numberKey: string, nameKey: string): number {
  const base = lookUp(ACTIONS, fields[actionKey], at + actionKey);
  if (base !== SECCOMP_RET_ERRNO && base !== SECCOMP_RET_TRACE) {
    const idle = [numberKey, nameKey].find((key) => fields[key] !== undefined);
    if (idle !== undefined) throw wrong(at + idle, `has no meaning with ${fields[actionKey]}`);
    return base;
  }
  const named = fields[nameKey] === undefined ? undefined : lookUp(ERRNO, fields[nameKey], at + nameKey)[0];
  const max = base === SECCOMP_RET_ERRNO ? MAX_ERRNO : 0xffff;
  const number = Number(integer(fields[numberKey] ?? named ?? ERRNO.EPERM[0], at + numberKey, BigInt(max)));
  if (named !== undefined && named !== number) {
    throw wrong(at + nameKey, `is not the errno ${number} of ${numberKey}`);
  }
  return base | number;
}

type Fields = Readonly<Record<string, unknown>>;

/** An object with no other keys than these; those that are null are left out. */
function record(json: unknown, at: string, keys: readonly string[]): Fields {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw wrong(at, "is not an object");
  const unknownKey = Object.keys(json).find((key) => !keys.includes(key));
  if (unknownKey !== undefined) throw wrong(at, `has the unknown key "${unknownKey}"`);
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

function list(json: unknown, at: string): readonly unknown[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) throw wrong(at, "is not a list");
  return json;
}

function text(json: unknown, at: string): string {
  if (typeof json !== "string" || json === "") {
    throw wrong(at, json === undefined ? "is missing" : "is not a string");
  }
  return json;
}

function integer(json: unknown, at: string, max: bigint): bigint {
  if (json === undefined) throw wrong(at, "is missing");
  const value = typeof json === "bigint" || Number.isSafeInteger(json)
    ? BigInt(json as number | bigint)
    : -1n;
  if (value < 0n || value > max) throw wrong(at, `is not a whole number from 0 to ${max}`);
  return value;
}

function known(names: ReadonlySet<string>, json: unknown, at: string): string {
  const name = text(json, at);
  if (!names.has(name)) throw wrong(at, `"${name}" is unknown`);
  return name;
}

function lookUp<Value>(table: Readonly<Record<string, Value>>, json: unknown, at: string): Value {
  return table[known(new Set(Object.keys(table)), json, at)]!;
}

function wrong(at: string, state: string): SeedpodError {
  return new SeedpodError(`Cannot read seccomp profile: ${at} ${state}`, { fault: "user" });
}
