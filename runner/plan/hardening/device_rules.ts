import { SeedpodError } from "../../base/mod.ts";

/** The access to a device: r(ead), w(rite), m(knod), as the v1 devices controller spells it. */
export type DeviceAccess = "r" | "w" | "m" | "rw" | "rm" | "wm" | "rwm";

/**
 * One permission; what no rule permits is refused. `a` is every device, and only whole: the v1 controller ignores the
 * numbers and the access behind it.
 */
export type DeviceRule =
  | { readonly type: "a"; readonly major: "*"; readonly minor: "*"; readonly access: "rwm" }
  | {
    readonly type: "b" | "c";
    readonly major: number | "*";
    readonly minor: number | "*";
    readonly access: DeviceAccess;
  };

/**
 * What a container may open: null, zero, full, random, urandom, tty, ptmx and its own terminals. Never mknod: the nodes
 * in a container's /dev are put there for it.
 */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { type: "c", major: 1, minor: 3, access: "rw" },
  { type: "c", major: 1, minor: 5, access: "rw" },
  { type: "c", major: 1, minor: 7, access: "rw" },
  { type: "c", major: 1, minor: 8, access: "rw" },
  { type: "c", major: 1, minor: 9, access: "rw" },
  { type: "c", major: 5, minor: 0, access: "rw" },
  { type: "c", major: 5, minor: 2, access: "rw" },
  { type: "c", major: 136, minor: "*", access: "rw" },
];

/** What a privileged container may open: everything. */
export const PRIVILEGED_DEVICE_RULES: readonly DeviceRule[] = [
  { type: "a", major: "*", minor: "*", access: "rwm" },
];

/** One write to a file of the v1 devices controller. */
export interface DeviceWrite {
  readonly file: "devices.deny" | "devices.allow";
  readonly value: string;
}

/** The writes, in order, that make a fresh v1 devices cgroup allow exactly the rules; see `cgroup-v1/devices.rst`. */
export function devicesV1(rules: readonly DeviceRule[]): DeviceWrite[] {
  const value = (rule: DeviceRule) => `${rule.type} ${rule.major}:${rule.minor} ${rule.access}`;
  const all = rules.find((rule) => rule.type === "a");
  if (all !== undefined) return [{ file: "devices.allow", value: value(all) }];
  const allow = mergeRules(rules).map((rule): DeviceWrite => ({ file: "devices.allow", value: value(rule) }));
  return [{ file: "devices.deny", value: "a *:* rwm" }, ...allow];
}

/**
 * The eBPF program, `struct bpf_insn[]`, that allows exactly the rules: BPF_PROG_TYPE_CGROUP_DEVICE for `bpf(2)`
 * BPF_PROG_LOAD, to be attached as BPF_CGROUP_DEVICE. It returns 1 to allow and 0 to refuse (EPERM). A rule allows an
 * access when it has every letter of it.
 */
export function deviceFilterV2(rules: readonly DeviceRule[]): Uint8Array<ArrayBuffer> {
  const program = rules.some((rule) => rule.type === "a") ? verdict(1) : [
    load(TYPE, ACCESS_TYPE_AT),
    load(ACCESS, ACCESS_TYPE_AT),
    insn(BPF_ALU64_AND_K, TYPE, 0, 0, 0xffff),
    insn(BPF_ALU64_RSH_K, ACCESS, 0, 0, 16),
    load(MAJOR, MAJOR_AT),
    load(MINOR, MINOR_AT),
    ...mergeRules(rules).flatMap(matchRule),
    ...verdict(0),
  ];
  return concat(program);
}

// eBPF opcodes, <linux/bpf_common.h> and <linux/bpf.h>.
const BPF_LDX_MEM_W = 0x61;
const BPF_ALU64_AND_K = 0x57;
const BPF_ALU64_RSH_K = 0x77;
const BPF_MOV64_K = 0xb7;
const BPF_JNE_K = 0x55;
const BPF_JSET_K = 0x45;
const BPF_EXIT = 0x95;

// struct bpf_cgroup_dev_ctx { __u32 access_type (access << 16 | type), major, minor }, in R1.
const CONTEXT = 1;
const ACCESS_TYPE_AT = 0;
const MAJOR_AT = 4;
const MINOR_AT = 8;

const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;

const DEVICE_TYPE = { b: 1, c: 2 } as const;
const ACCESS_BITS: Record<string, number> = { m: 1, r: 2, w: 4 };

function matchRule(rule: SpecificRule): Uint8Array[] {
  let permitted = 0;
  for (const letter of rule.access) permitted |= ACCESS_BITS[letter]!;
  const tests: [opcode: number, register: number, value: number][] = [
    [BPF_JNE_K, TYPE, DEVICE_TYPE[rule.type]],
    [BPF_JSET_K, ACCESS, 0xffff & ~permitted],
  ];
  if (rule.major !== "*") tests.push([BPF_JNE_K, MAJOR, rule.major]);
  if (rule.minor !== "*") tests.push([BPF_JNE_K, MINOR, rule.minor]);
  const allow = verdict(1);
  return [
    ...tests.map(([opcode, register, value], at) =>
      insn(opcode, register, 0, tests.length - at - 1 + allow.length, value)
    ),
    ...allow,
  ];
}

function verdict(value: 0 | 1): Uint8Array[] {
  return [insn(BPF_MOV64_K, 0, 0, 0, value), insn(BPF_EXIT, 0, 0, 0, 0)];
}

function load(register: number, offset: number): Uint8Array {
  return insn(BPF_LDX_MEM_W, register, CONTEXT, offset, 0);
}

function insn(opcode: number, dst: number, src: number, offset: number, immediate: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, opcode);
  view.setUint8(1, src << 4 | dst);
  view.setInt16(2, offset, true);
  view.setInt32(4, immediate, true);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.length * 8);
  parts.forEach((part, at) => bytes.set(part, at * 8));
  return bytes;
}

type SpecificRule = Exclude<DeviceRule, { type: "a" }>;

// MAJOR(dev_t) has 12 bits, MINOR(dev_t) 20 (<linux/kdev_t.h>).
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;

/** Rules for the same device become one with all their letters, which is what the v1 controller makes of them. */
function mergeRules(rules: readonly DeviceRule[]): SpecificRule[] {
  const merged = new Map<string, SpecificRule>();
  for (const rule of rules) {
    if (rule.type === "a") continue;
    checkNumber("major", rule.major, MAX_MAJOR);
    checkNumber("minor", rule.minor, MAX_MINOR);
    const device = `${rule.type} ${rule.major}:${rule.minor}`;
    const letters = (merged.get(device)?.access ?? "") + rule.access;
    const access = [..."rwm"].filter((letter) => letters.includes(letter)).join("") as DeviceAccess;
    merged.set(device, { ...rule, access });
  }
  return [...merged.values()];
}

function checkNumber(what: string, value: number | "*", max: number): void {
  if (value === "*" || (Number.isInteger(value) && value >= 0 && value <= max)) return;
  throw new SeedpodError(`Cannot compile device rule: ${what} number ${value} is not between 0 and ${max}`);
}
