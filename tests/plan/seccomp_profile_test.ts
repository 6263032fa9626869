import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type CapabilityName,
  compileSeccomp,
  parseSeccompJson,
  parseSeccompProfile,
  type SeccompArch,
  seccompFlags,
} from "../../runner/plan/hardening/mod.ts";
import { runBpf } from "../support/bpf_interpreter.ts";
import {
  type Abi,
  ALLOW,
  AUDIT_ARCH,
  call,
  ENOSYS,
  KILL_PROCESS,
  numberOf,
  NUMBERS,
} from "../support/seccomp_calls.ts";

// Random profiles against their meaning, read straight from the JSON.

const NAMES = ["read", "write", "openat", "socket", "clone", "personality", "statx", "mseal", "no_such_call"];
const TRAP = 0x00030000;
const ACTIONS: Record<string, number> = {
  SCMP_ACT_ALLOW: ALLOW,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_PROCESS: KILL_PROCESS,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_TRAP: TRAP,
};
const COMPARE: Record<string, (arg: bigint, value: bigint, two: bigint) => boolean> = {
  SCMP_CMP_NE: (arg, value) => arg !== value,
  SCMP_CMP_LT: (arg, value) => arg < value,
  SCMP_CMP_LE: (arg, value) => arg <= value,
  SCMP_CMP_EQ: (arg, value) => arg === value,
  SCMP_CMP_GE: (arg, value) => arg >= value,
  SCMP_CMP_GT: (arg, value) => arg > value,
  SCMP_CMP_MASKED_EQ: (arg, value, two) => (arg & value) === two,
};

interface JsonArg {
  index: number;
  value: bigint;
  valueTwo: bigint;
  op: string;
}
interface JsonScope {
  arches?: string[];
  caps?: CapabilityName[];
  minKernel?: string;
}
interface JsonRule {
  names: string[];
  action: string;
  errnoRet?: number;
  args: JsonArg[];
  includes?: JsonScope;
  excludes?: JsonScope;
}
interface JsonProfile {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures: string[];
  syscalls: JsonRule[];
}

const someWord = fc.constantFrom(
  0n,
  1n,
  2n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0001n,
  0x2_0000_0000n,
  (1n << 64n) - 1n,
);
const someScope: fc.Arbitrary<JsonScope> = fc.record({
  arches: fc.subarray(["amd64", "arm64"]),
  caps: fc.subarray<CapabilityName>(["CAP_SYS_ADMIN", "CAP_BPF"]),
  minKernel: fc.constantFrom("4.8", "5.14", "5.15", "6.1"),
}, { requiredKeys: [] });
const someArg: fc.Arbitrary<JsonArg> = fc.record({
  index: fc.integer({ min: 0, max: 2 }),
  value: someWord,
  valueTwo: someWord,
  op: fc.constantFrom(...Object.keys(COMPARE)),
});
const someAction = fc.constantFrom(...Object.keys(ACTIONS));
const takesErrno = (action: string) => action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
const someRule: fc.Arbitrary<JsonRule> = fc.record({
  names: fc.subarray(NAMES, { minLength: 1 }),
  action: someAction,
  errnoRet: fc.constantFrom(1, 38),
  args: fc.array(someArg, { maxLength: 3 }),
  includes: someScope,
  excludes: someScope,
}, { requiredKeys: ["names", "action", "args"] }).map(({ errnoRet, ...rule }) =>
  takesErrno(rule.action) && errnoRet !== undefined ? { ...rule, errnoRet } : rule
);
const someProfile: fc.Arbitrary<JsonProfile> = fc.record({
  defaultAction: someAction,
  architectures: fc.subarray(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"]),
  syscalls: fc.array(someRule, { maxLength: 8 }),
});

function returnsOf(action: string, errno: number | undefined): number {
  return takesErrno(action) ? ACTIONS[action]! + (errno ?? 1) : ACTIONS[action]!;
}

interface Host {
  readonly arch: SeccompArch;
  readonly caps: ReadonlySet<CapabilityName>;
  readonly kernel: readonly [number, number];
}

function counts({ includes = {}, excludes = {} }: JsonRule, { arch, caps, kernel }: Host): boolean {
  const machine = arch === "x86_64" ? "amd64" : "arm64";
  const reached = (version: string) => {
    const [major, minor] = version.split(".").map(Number);
    return 1000 * kernel[0] + kernel[1] >= 1000 * major! + minor!;
  };
  if (includes.arches?.length && !includes.arches.includes(machine)) return false;
  if (includes.caps?.some((name) => !caps.has(name))) return false;
  if (includes.minKernel && !reached(includes.minKernel)) return false;
  if (excludes.arches?.includes(machine)) return false;
  if (excludes.caps?.some((name) => caps.has(name))) return false;
  return !(excludes.minKernel && reached(excludes.minKernel));
}

function meaning(profile: JsonProfile, host: Host, abi: Abi, nr: number, args: readonly bigint[]): number {
  const foreign = abi !== host.arch;
  if (
    foreign && !(host.arch === "x86_64" && abi === "i386" && profile.architectures.includes("SCMP_ARCH_X86"))
  ) {
    return KILL_PROCESS;
  }
  if (abi === "x86_64" && nr >= 0x4000_0000) return ENOSYS;
  const byDefault = returnsOf(profile.defaultAction, profile.defaultErrnoRet);
  const numbers = (rule: JsonRule) =>
    rule.names.filter((name) => name in NUMBERS).map((name) => numberOf(name, abi));
  const newest = Math.max(-1, ...profile.syscalls.flatMap(numbers));
  const lets = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(profile.defaultAction);
  if (nr > newest && !lets) return ENOSYS;
  const rules = profile.syscalls.filter((rule) => counts(rule, host) && numbers(rule).includes(nr))
    .map((rule) => ({ ...rule, returns: returnsOf(rule.action, rule.errnoRet) }))
    .filter((rule) => rule.returns !== byDefault);
  const always = rules.find((rule) => rule.args.length === 0);
  if (always) return always.returns;
  const matching = rules.find((rule) => {
    const holds = (arg: JsonArg) => COMPARE[arg.op]!(args[arg.index]!, arg.value, arg.valueTwo);
    const repeats = new Set(rule.args.map((arg) => arg.index)).size < rule.args.length;
    return repeats ? rule.args.some(holds) : rule.args.every(holds);
  });
  return matching?.returns ?? byDefault;
}

Deno.test("compileSeccomp() compiles any profile to what it says", () => {
  const someHost = fc.record({
    arch: fc.constantFrom<SeccompArch>("x86_64", "aarch64"),
    caps: fc.subarray<CapabilityName>(["CAP_SYS_ADMIN", "CAP_BPF"]).map((names) => new Set(names)),
    kernel: fc.constantFrom<[number, number]>([5, 14], [5, 15], [6, 18]),
  });
  const someCall = fc.record({
    abi: fc.constantFrom<Abi>("x86_64", "i386", "aarch64"),
    name: fc.constantFrom(
      "read",
      "openat",
      "socket",
      "clone",
      "personality",
      "mseal",
      "keyctl",
      "newer",
      "x32",
    ),
    args: fc.array(someWord, { minLength: 6, maxLength: 6 }),
  });
  fc.assert(
    fc.property(
      someProfile,
      someHost,
      fc.array(someCall, { minLength: 8, maxLength: 8 }),
      (json, host, calls) => {
        const program = compileSeccomp(parseSeccompProfile(json), host.arch, host.caps, host.kernel)!;
        for (const { abi, name, args } of calls) {
          const nr = name === "newer" ? 5000 : name === "x32" ? 0x4000_0001 : numberOf(name, abi);
          const { value } = runBpf(program, { nr, arch: AUDIT_ARCH[abi], args });
          assert.equal(value, meaning(json, host, abi, nr, args), `${abi} ${name}(${args})`);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("parseSeccompProfile() refuses what it does not know, and says where", () => {
  const rule = (change: object) => ({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW", ...change }],
  });
  const arg = (change: object) => rule({ args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ", ...change }] });
  const cases: [unknown, string][] = [
    [null, "the profile is not an object"],
    [{}, "defaultAction is missing"],
    [{ defaultAction: "SCMP_ACT_MAYBE" }, 'defaultAction "SCMP_ACT_MAYBE" is unknown'],
    [{ defaultAction: "SCMP_ACT_ALLOW", sycalls: [] }, 'the profile has the unknown key "sycalls"'],
    [
      { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/x" },
      'the profile has the unknown key "listenerPath"',
    ],
    [
      { defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1 },
      "defaultErrnoRet has no meaning with SCMP_ACT_ALLOW",
    ],
    [
      { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 4096 },
      "defaultErrnoRet is not a whole number from 0 to 4095",
    ],
    [{ defaultAction: "SCMP_ACT_ERRNO", defaultErrno: "EWHAT" }, 'defaultErrno "EWHAT" is unknown'],
    [rule({ errno: "ENOSYS" }), "syscalls[0].errno has no meaning with SCMP_ACT_ALLOW"],
    [
      { defaultAction: "SCMP_ACT_ERRNO", defaultErrno: "ENOSYS", defaultErrnoRet: 1 },
      "defaultErrno is not the errno 1 of defaultErrnoRet",
    ],
    [{ defaultAction: "SCMP_ACT_ERRNO", architectures: ["X86"] }, 'architectures[0] "X86" is unknown'],
    [
      { defaultAction: "SCMP_ACT_ERRNO", architectures: [], archMap: [] },
      "archMap cannot stand beside architectures",
    ],
    [{ defaultAction: "SCMP_ACT_ERRNO", flags: ["FAST"] }, 'flags[0] "FAST" is unknown'],
    [{ defaultAction: "SCMP_ACT_ERRNO", syscalls: {} }, "syscalls is not a list"],
    [rule({ action: "SCMP_ACT_NOTIFY" }), 'syscalls[0].action "SCMP_ACT_NOTIFY" is unknown'],
    [rule({ names: [] }), "syscalls[0].names is empty"],
    [rule({ names: [7] }), "syscalls[0].names[0] is not a string"],
    [rule({ name: "read" }), "syscalls[0].name cannot stand beside names"],
    [rule({ includes: { caps: ["CAP_FLY"] } }), 'syscalls[0].includes.caps[0] "CAP_FLY" is unknown'],
    [rule({ excludes: { arches: ["amd46"] } }), 'syscalls[0].excludes.arches[0] "amd46" is unknown'],
    [
      rule({ includes: { minKernel: "new" } }),
      "syscalls[0].includes.minKernel is not a version such as 5.14",
    ],
    [arg({ op: "SCMP_CMP_LIKE" }), 'syscalls[0].args[0].op "SCMP_CMP_LIKE" is unknown'],
    [arg({ op: "toString" }), 'syscalls[0].args[0].op "toString" is unknown'],
    [arg({ index: 6 }), "syscalls[0].args[0].index is not a whole number from 0 to 5"],
    [arg({ value: -1 }), "syscalls[0].args[0].value is not a whole number from 0 to 18446744073709551615"],
    [
      arg({ value: 2 ** 60 }),
      "syscalls[0].args[0].value is not a whole number from 0 to 18446744073709551615",
    ],
  ];
  for (const [json, state] of cases) {
    assert.throws(() => parseSeccompProfile(json), {
      name: "SeedpodError",
      message: `Cannot read seccomp profile: ${state}`,
      fault: "user",
    });
  }
});

Deno.test("parseSeccompProfile() takes archMap's sub-architectures for the machine they belong to", () => {
  const profile = (architecture: string) =>
    parseSeccompProfile({
      defaultAction: "SCMP_ACT_ALLOW",
      archMap: [{ architecture, subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] }],
    });
  const run = (architecture: string) =>
    call(compileSeccomp(profile(architecture), "x86_64", new Set())!, "i386", "read");
  assert.equal(run("SCMP_ARCH_X86_64").value, ALLOW);
  assert.equal(run("SCMP_ARCH_AARCH64").value, KILL_PROCESS);
});

Deno.test("parseSeccompProfile() takes an errno by its name", () => {
  const profile = parseSeccompProfile({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrno: "ENOSYS",
    defaultErrnoRet: 38,
  });
  assert.equal(call(compileSeccomp(profile, "x86_64", new Set())!, "x86_64", "read").value, ENOSYS);
});

Deno.test("compileSeccomp() jumps right over blocks of any length", () => {
  const rules = (count: number, op: string) =>
    Array.from({ length: count }, (_, value) => (
      { names: ["read"], action: "SCMP_ACT_TRAP", args: [{ index: 0, value, valueTwo: value, op }] }
    ));
  for (let equal = 30; equal < 54; equal++) {
    for (let masked = 1; masked < 6; masked++) {
      const syscalls = [...rules(equal, "SCMP_CMP_EQ"), ...rules(masked, "SCMP_CMP_MASKED_EQ").slice(1)];
      const profile = parseSeccompProfile({ defaultAction: "SCMP_ACT_ALLOW", syscalls });
      const program = compileSeccomp(profile, "x86_64", new Set())!;
      for (
        const [name, arg, value] of [["write", 0, ALLOW], ["read", 2 ** 40, ALLOW], [
          "read",
          equal - 1,
          TRAP,
        ]] as const
      ) {
        assert.equal(call(program, "x86_64", name, arg).value, value, `${equal} ${masked} ${name}`);
      }
    }
  }
});

Deno.test("parseSeccompJson() keeps integers that a double cannot hold", () => {
  const profile = parseSeccompJson(`{
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{ "names": ["read"], "action": "SCMP_ACT_KILL_PROCESS", "args": [
      { "index": 1, "value": 18446744073709551615, "op": "SCMP_CMP_EQ" }] }]
  }`);
  const program = compileSeccomp(profile, "x86_64", new Set())!;
  assert.equal(call(program, "x86_64", "read", 0, (1n << 64n) - 1n).value, KILL_PROCESS);
  assert.equal(call(program, "x86_64", "read", 0, (1n << 64n) - 2n).value, ALLOW);
  assert.throws(() => parseSeccompJson("{"), {
    name: "SeedpodError",
    message: /^Cannot read seccomp profile: /,
  });
});

Deno.test("seccompFlags() are those that the profile names, and none by default", () => {
  const flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"];
  assert.equal(seccompFlags(parseSeccompProfile({ defaultAction: "SCMP_ACT_ALLOW", flags })), 6);
  assert.equal(seccompFlags({ type: "RuntimeDefault" }), 0);
});

Deno.test("compileSeccomp() refuses a profile longer than the kernel takes", () => {
  const args = [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }];
  const rule = { names: ["read"], action: "SCMP_ACT_ALLOW", args };
  const profile = parseSeccompProfile({ defaultAction: "SCMP_ACT_ERRNO", syscalls: Array(900).fill(rule) });
  assert.throws(() => compileSeccomp(profile, "x86_64", new Set()), {
    name: "SeedpodError",
    message: /^Cannot compile seccomp profile: it takes \d+ instructions, the kernel allows 4096$/,
  });
});
