import assert from "node:assert/strict";
import {
  type CapabilityName,
  compileSeccomp,
  DEFAULT_CAPABILITIES,
  parseSeccompProfile,
  type SeccompProfile,
} from "../../runner/plan/hardening/mod.ts";
import { runBpf } from "../support/bpf_interpreter.ts";

const ARCH = Deno.build.arch;
const SOURCE = new URL("seccomp_probe.c", import.meta.url).pathname;

const [EPERM, EBADF, EFAULT, EINVAL, ENOSYS, EAFNOSUPPORT] = [1, 9, 14, 22, 38, 97];

/** Numbers on the machine that runs the test: x86_64, aarch64. */
const NR = {
  read: [0, 63],
  socket: [41, 198],
  clone: [56, 220],
  mount: [165, 40],
  unshare: [272, 97],
  keyctl: [250, 219],
  bpf: [321, 280],
  personality: [135, 92],
  chroot: [161, 51],
  clone3: [435, 435],
} as const;
const nr = (name: keyof typeof NR) => NR[name][ARCH === "x86_64" ? 0 : 1];

function run(
  program: string,
  args: string[],
): { code: number; signal: string | null; stdout: string; stderr: string } {
  const { code, signal, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, signal, stdout: decode(stdout), stderr: decode(stderr) };
}

class Probe implements Disposable {
  readonly #directory = Deno.makeTempDirSync({ prefix: "seccomp" });
  readonly #program = `${this.#directory}/probe`;

  constructor() {
    const { code, stderr } = run("gcc", ["-O1", "-Wall", "-o", this.#program, SOURCE]);
    assert.equal(code, 0, stderr);
  }

  /** Runs the probe under a profile. */
  run(profile: SeccompProfile, extra: readonly CapabilityName[], ...args: string[]) {
    const filter = compileSeccomp(profile, ARCH, new Set([...DEFAULT_CAPABILITIES, ...extra]));
    const path = filter === undefined ? "-" : `${this.#directory}/filter`;
    if (filter !== undefined) Deno.writeFileSync(path, filter);
    return run(this.#program, [path, ...args]);
  }

  /** The errno of each call, 0 for none; the calls as number and arguments. */
  calls(
    profile: SeccompProfile,
    extra: readonly CapabilityName[],
    ...calls: (number | string)[][]
  ): number[] {
    const { code, signal, stdout, stderr } = this.run(
      profile,
      extra,
      "call",
      ...calls.map((call) => call.join(",")),
    );
    assert.equal(code, 0, `${signal} ${stderr}`);
    return stdout.trim().split("\n").map(Number);
  }

  /** The same for calls made as a 32-bit x86 program makes them. */
  calls32(profile: SeccompProfile, ...calls: (number | string)[][]): number[] {
    const { code, signal, stdout, stderr } = this.run(
      profile,
      [],
      "call32",
      ...calls.map((call) => call.join(",")),
    );
    assert.equal(code, 0, `${signal} ${stderr}`);
    return stdout.trim().split("\n").map(Number);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#directory, { recursive: true });
  }
}

const RUNTIME_DEFAULT: SeccompProfile = { type: "RuntimeDefault" };

Deno.test("the kernel takes the default filter and answers as it says", () => {
  using probe = new Probe();
  const CLONE_NEWUSER = 0x10000000;
  const expected: [call: (number | string)[], errno: number][] = [
    [[nr("socket"), 2, 1, 0], 0],
    [[nr("socket"), 1, 1, 0], 0],
    [[nr("socket"), 38, 5, 0], EPERM],
    [[nr("socket"), 40, 1, 0], EPERM],
    [[nr("socket"), 33, 2, 0], EPERM],
    [[nr("socket"), 0, 1, 0], EAFNOSUPPORT],
    [[nr("keyctl"), 0, 0], EPERM],
    [[nr("unshare"), CLONE_NEWUSER], EPERM],
    [[nr("clone"), CLONE_NEWUSER | 17, 0, 0, 0, 0], EPERM],
    [[nr("clone3"), 0, 0], ENOSYS],
    [[nr("mount"), 0, 0, 0, 0, 0], EPERM],
    [[nr("bpf"), 0, 0, 0], EPERM],
    [[nr("personality"), "0xffffffff"], 0],
    [[nr("personality"), "0x40000"], EPERM],
    [[nr("read"), 99, 0, 0], EBADF],
    [[nr("chroot"), 0], EFAULT],
    [[5000], ENOSYS],
    [["0x40000000"], ENOSYS],
  ];
  const errnos = probe.calls(RUNTIME_DEFAULT, [], ...expected.map(([call]) => call));
  expected.forEach(([call, errno], at) => assert.equal(errnos[at], errno, `call ${call}`));
});

Deno.test("the kernel lets mount and clone3 through the filter of a container with CAP_SYS_ADMIN", () => {
  using probe = new Probe();
  const errnos = probe.calls(RUNTIME_DEFAULT, ["CAP_SYS_ADMIN"], [nr("mount"), 0, 0, 0, 0, 0], [
    nr("clone3"),
    0,
    0,
  ]);
  assert.notEqual(errnos[0], EPERM);
  assert.equal(errnos[1], EINVAL);
});

Deno.test({
  name:
    "the kernel holds 32-bit x86 calls to the default filter, and kills them where the profile is for x86_64 alone",
  ignore: ARCH !== "x86_64",
  fn: () => {
    using probe = new Probe();
    const [getpid, socket, socketcall, keyctl, mount] = [20, 359, 102, 288, 21];
    const calls = [[getpid], [socket, 2, 1, 0], [socket, 38, 5, 0], [socketcall, 1, 0], [keyctl, 0], [
      mount,
      0,
    ], [5000]];
    assert.deepEqual(probe.calls32(RUNTIME_DEFAULT, ...calls), [0, 0, EPERM, EPERM, EPERM, EPERM, ENOSYS]);
    const native = parseSeccompProfile({ defaultAction: "SCMP_ACT_ALLOW" });
    assert.equal(probe.run(native, [], "call32", String(getpid)).signal, "SIGSYS");
  },
});

Deno.test("busybox, sh and ls work under the default filter", () => {
  using probe = new Probe();
  const commands: [string[], RegExp][] = [
    [["/bin/sh", "-c", "ls -la / | grep -c etc && (sleep 0; echo pipe) | cat"], /^1\npipe\n$/],
    [["/bin/busybox", "sh", "-c", "busybox date >/dev/null && busybox id -u"], /^\d+\n$/],
  ];
  for (const [command, output] of commands) {
    const { code, stdout, stderr } = probe.run(RUNTIME_DEFAULT, [], "exec", ...command);
    assert.equal(code, 0, stderr);
    assert.match(stdout, output);
  }
});

Deno.test("the kernel compares both halves of an argument, and kills where the profile says so", () => {
  using probe = new Probe();
  const profile = (action: string) =>
    parseSeccompProfile({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["read"], action, args: [{ index: 2, value: 0x1_0000_0001, op: "SCMP_CMP_EQ" }] }],
    });
  const read = (length: string) => [nr("read"), 99, 0, length];
  const errnos = probe.calls(
    profile("SCMP_ACT_ERRNO"),
    [],
    read("0x100000001"),
    read("1"),
    read("0x100000000"),
  );
  assert.deepEqual(errnos, [EPERM, EBADF, EBADF]);
  const killed = probe.run(profile("SCMP_ACT_KILL_PROCESS"), [], "call", read("0x100000001").join(","));
  assert.equal(killed.signal, "SIGSYS");
});

Deno.test("the kernel takes a profile of thousands of instructions", () => {
  using probe = new Probe();
  const args = (value: number) => [{ index: 1, value, op: "SCMP_CMP_EQ" }];
  const syscalls = Array.from({ length: 700 }, (_, value) => (
    { names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 100, args: args(value) }
  ));
  const profile = parseSeccompProfile({ defaultAction: "SCMP_ACT_ALLOW", syscalls });
  const call = (value: number) => [nr("personality"), "0xffffffff", value];
  assert.deepEqual(probe.calls(profile, [], call(0), call(699), call(700)), [100, 100, 0]);
});

// Newer headers may name newer calls.
const NEWEST_IN_TABLES = 469;

Deno.test("the tables of system calls agree with this machine's kernel headers", () => {
  const headers = [["x86_64", "asm/unistd_64.h"], ["i386", "asm/unistd_32.h"]] as const;
  const arches = { x86_64: 0xc000003e, i386: 0x40000003 } as const;
  for (const [abi, header] of ARCH === "x86_64" ? headers : []) {
    const { code, stdout } = new Deno.Command("sh", {
      args: ["-c", `echo '#include <${header}>' | gcc -E -dM -`],
    }).outputSync();
    assert.equal(code, 0);
    const defined = [...new TextDecoder().decode(stdout).matchAll(/#define __NR_(\w+) (\d+)/g)];
    assert.ok(defined.length > 300, `${defined.length} names in ${header}`);
    for (const [, name, number] of defined) {
      if (Number(number) > NEWEST_IN_TABLES) continue;
      const profile = parseSeccompProfile({
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86"],
        syscalls: [{ names: [name], action: "SCMP_ACT_KILL_PROCESS" }],
      });
      const program = compileSeccomp(profile, "x86_64", new Set())!;
      const { value } = runBpf(program, { nr: Number(number), arch: arches[abi], args: Array(6).fill(0n) });
      assert.equal(value, 0x80000000, `${abi} ${name} ${number}`);
    }
  }
});
