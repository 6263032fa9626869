import assert from "node:assert/strict";
import {
  CAPABILITY_NAMES,
  type CapabilityName,
  compileSeccomp,
  DEFAULT_CAPABILITIES,
  type SeccompArch,
} from "../../runner/plan/hardening/mod.ts";
import { type Abi, ALLOW, call, ENOSYS, EPERM, KILL_PROCESS, numberOf } from "../support/seccomp_calls.ts";

const MACHINES: readonly SeccompArch[] = ["x86_64", "aarch64"];

function compileDefault(arch: SeccompArch, extra: readonly CapabilityName[] = []): Uint8Array {
  return compileSeccomp({ type: "RuntimeDefault" }, arch, new Set([...DEFAULT_CAPABILITIES, ...extra]))!;
}

function eachAbi(
  check: (program: Uint8Array, abi: Abi) => void,
  extra: readonly CapabilityName[] = [],
): void {
  check(compileDefault("x86_64", extra), "x86_64");
  check(compileDefault("x86_64", extra), "i386");
  check(compileDefault("aarch64", extra), "aarch64");
}

Deno.test("compileSeccomp() lets ordinary calls through by default, from the number alone", () => {
  eachAbi((program, abi) => {
    for (const name of ["read", "write", "openat", "futex", "epoll_pwait", "statx", "ptrace", "mseal"]) {
      const run = call(program, abi, name, -1n, -1n);
      assert.equal(run.value, ALLOW, `${abi} ${name}`);
      assert.ok(run.cacheable, `${abi} ${name} reads its arguments`);
      assert.ok(run.instructions <= 14, `${abi} ${name}: ${run.instructions} instructions`);
    }
  });
});

Deno.test("compileSeccomp() finds the commonest calls in at most nine instructions", () => {
  for (const arch of MACHINES) {
    for (const name of ["read", "write", "futex", "epoll_pwait", "openat"]) {
      const { instructions } = call(compileDefault(arch), arch, name);
      assert.ok(instructions <= 9, `${arch} ${name}: ${instructions} instructions`);
    }
  }
});

Deno.test("compileSeccomp() refuses keys, io_uring, kexec and namespaces by default", () => {
  const refused = ["keyctl", "add_key", "request_key", "io_uring_setup", "kexec_load", "userfaultfd"];
  eachAbi((program, abi) => {
    for (const name of [...refused, "mount", "unshare", "setns", "open_tree_attr"]) {
      assert.equal(call(program, abi, name).value, EPERM, `${abi} ${name}`);
    }
  });
});

Deno.test("compileSeccomp() refuses keys by default even with every capability", () => {
  eachAbi((program, abi) => {
    for (const name of ["keyctl", "add_key", "request_key", "kexec_load"]) {
      assert.equal(call(program, abi, name).value, EPERM, `${abi} ${name}`);
    }
  }, CAPABILITY_NAMES);
});

Deno.test("compileSeccomp() answers numbers that it has no name for with ENOSYS", () => {
  eachAbi((program, abi) => {
    for (const nr of [470, 500, 5000, 0x3fff_ffff, 0x4000_0000, 0x4000_0001, 0xffff_ffff]) {
      assert.equal(call(program, abi, nr).value, ENOSYS, `${abi} ${nr}`);
    }
    assert.equal(call(program, abi, "file_getattr").value, ENOSYS);
  });
  assert.equal(call(compileDefault("x86_64"), "x86_64", 400).value, ENOSYS);
});

Deno.test("compileSeccomp() kills callers of a foreign ABI", () => {
  assert.equal(call(compileDefault("x86_64"), "aarch64", "read").value, KILL_PROCESS);
  assert.equal(call(compileDefault("aarch64"), "x86_64", "read").value, KILL_PROCESS);
  assert.equal(call(compileDefault("aarch64"), "arm", "read").value, KILL_PROCESS);
});

Deno.test("compileSeccomp() keeps AF_ALG, AF_VSOCK, AF_RXRPC and dropped families from socket(2)", () => {
  const refused = new Set([12, 19, 20, 23, 25, 33, 34, 37, 38, 40]);
  eachAbi((program, abi) => {
    for (let family = 0; family <= 64; family++) {
      const expected = refused.has(family) || family > 45 ? EPERM : ALLOW;
      assert.equal(call(program, abi, "socket", family).value, expected, `${abi} family ${family}`);
      assert.equal(call(program, abi, "socket", 0xabcd_0000_0000n + BigInt(family)).value, expected);
    }
  });
});

Deno.test("compileSeccomp() keeps socketcall(2), whose family no filter can see, from making sockets", () => {
  const program = compileDefault("x86_64");
  assert.equal(call(program, "i386", 102, 1).value, EPERM);
  assert.equal(call(program, "i386", 102, 3).value, ALLOW);
});

Deno.test("compileSeccomp() lets clone(2) make threads and processes but no namespaces without CAP_SYS_ADMIN", () => {
  const namespaces = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];
  eachAbi((program, abi) => {
    assert.equal(call(program, abi, "clone", 0x3d0f00).value, ALLOW);
    assert.equal(call(program, abi, "clone", 17).value, ALLOW);
    for (const flag of namespaces) {
      assert.equal(call(program, abi, "clone", flag | 17).value, EPERM, `${abi} ${flag}`);
    }
    assert.equal(call(program, abi, "clone3").value, ENOSYS);
  });
  eachAbi((program, abi) => {
    for (const name of ["clone", "clone3", "unshare", "setns", "mount", "bpf"]) {
      assert.equal(call(program, abi, name, 0x7e020000).value, ALLOW, `${abi} ${name}`);
    }
  }, ["CAP_SYS_ADMIN"]);
});

Deno.test("compileSeccomp() allows personality(2) its harmless values, as the int that the kernel makes of them", () => {
  eachAbi((program, abi) => {
    for (const persona of [0, 8, 0x20000, 0x20008, 0xffff_ffff, -1n]) {
      assert.equal(call(program, abi, "personality", persona).value, ALLOW, `${abi} ${persona}`);
    }
    for (const persona of [1, 0x40000, 0x20009, 0x0400000]) {
      assert.equal(call(program, abi, "personality", persona).value, EPERM, `${abi} ${persona}`);
    }
  });
});

Deno.test("compileSeccomp() opens a guarded call for the capability that guards it, and for no other", () => {
  const guarded: [CapabilityName, string][] = [
    ["CAP_DAC_READ_SEARCH", "open_by_handle_at"],
    ["CAP_SYS_PTRACE", "pidfd_getfd"],
    ["CAP_SYS_MODULE", "init_module"],
    ["CAP_SYS_TIME", "clock_settime"],
    ["CAP_SYS_NICE", "mbind"],
    ["CAP_SYSLOG", "syslog"],
    ["CAP_BPF", "bpf"],
    ["CAP_PERFMON", "perf_event_open"],
    ["CAP_SYS_BOOT", "reboot"],
    ["CAP_SYS_PACCT", "acct"],
    ["CAP_SYS_TTY_CONFIG", "vhangup"],
    ["CAP_SYS_RAWIO", "iopl"],
    ["CAP_SYS_CHROOT", "chroot"],
  ];
  for (const arch of MACHINES) {
    for (const [capability, name] of guarded) {
      if (numberOf(name, arch) < 0) continue;
      const answer = (capabilities: Iterable<CapabilityName>) =>
        call(compileSeccomp({ type: "RuntimeDefault" }, arch, new Set(capabilities))!, arch, name).value;
      const others = CAPABILITY_NAMES.filter((other) => other !== capability && other !== "CAP_SYS_ADMIN");
      assert.equal(answer([capability]), ALLOW, `${arch} ${name} with ${capability}`);
      assert.equal(answer(others), EPERM, `${arch} ${name} without ${capability}`);
    }
  }
});

Deno.test("compileSeccomp() gives no filter to Unconfined", () => {
  assert.equal(compileSeccomp({ type: "Unconfined" }, "x86_64", new Set()), undefined);
});
