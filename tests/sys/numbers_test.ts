/** The kernel's numbers that this program carries are those of the machine's headers, for both architectures. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type Arch,
  ERRNO,
  type ErrnoName,
  type FlagName,
  FLAGS,
  flagValue,
  SYSCALL_NUMBERS,
  type SyscallName,
  syscallNumber,
} from "../../runner/base/mod.ts";

const HEADERS = [
  "errno.h",
  "fcntl.h",
  "poll.h",
  "sched.h",
  "signal.h",
  "sys/file.h",
  "sys/ioctl.h",
  "sys/mman.h",
  "sys/mount.h",
  "sys/prctl.h",
  "sys/resource.h",
  "sys/socket.h",
  "sys/stat.h",
  "sys/syscall.h",
  "sys/wait.h",
  "linux/keyctl.h",
  "linux/openat2.h",
  "linux/sched.h",
  "linux/seccomp.h",
  "linux/sockios.h",
].map((header) => `#include <${header}>`).join("\n");

/** Enumerators of the headers that no macro stands beside. */
const ENUMERATORS = ["FSCONFIG_SET_FLAG", "FSCONFIG_SET_STRING", "FSCONFIG_SET_FD", "FSCONFIG_CMD_CREATE"]
  .map((name) => `#define ${name} ${name}`).join("\n");

/** Newer than the headers of some machines that build this: Linux 6.3. */
const MAY_BE_MISSING: ReadonlySet<string> = new Set(["MFD_EXEC", "MFD_NOEXEC_SEAL"]);
const MISSING = 0x7eadbeef7eadbeefn;

const COMPILERS: Record<Arch, string> = { x86_64: "x86_64-linux-gnu-gcc", aarch64: "aarch64-linux-gnu-gcc" };

function run(directory: string, program: string, ...args: string[]): Uint8Array {
  const { success, stdout, stderr } = new Deno.Command(program, { args, cwd: directory }).outputSync();
  strictEqual(success, true, new TextDecoder().decode(stderr));
  return stdout;
}

/** What the headers of an architecture say of names. Nothing is run: the numbers are taken out of the object file. */
function numbersOf(arch: Arch, names: readonly string[]): Map<string, number> {
  const directory = Deno.makeTempDirSync();
  const entries = names.map((name) =>
    `#ifdef ${name}\n  (long long)(${name}),\n#else\n  ${MISSING},\n#endif`
  );
  const source = `#define _GNU_SOURCE\n${HEADERS}\n${ENUMERATORS}\n` +
    `long long numbers[] __attribute__((section(".numbers"))) = {\n${entries.join("\n")}\n};\n`;
  try {
    Deno.writeTextFileSync(`${directory}/numbers.c`, source);
    run(directory, COMPILERS[arch], "-c", "numbers.c");
    const objcopy = COMPILERS[arch].replace(/gcc$/, "objcopy");
    run(directory, objcopy, "-O", "binary", "-j", ".numbers", "numbers.o", "numbers.bin");
    const values = new BigInt64Array(Deno.readFileSync(`${directory}/numbers.bin`).buffer);
    strictEqual(values.length, names.length);
    return new Map(
      names.flatMap((name, index) => values[index] === MISSING ? [] : [[name, Number(values[index])]]),
    );
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

for (const arch of ["x86_64", "aarch64"] as const) {
  Deno.test(`SYSCALL_NUMBERS, FLAGS and ERRNO are those of the headers of ${arch}`, () => {
    const ours = new Map<string, number>([
      ...(Object.keys(SYSCALL_NUMBERS) as SyscallName[]).map((name): [string, number] => [
        `__NR_${name}`,
        syscallNumber(name, arch),
      ]),
      ...(Object.keys(FLAGS) as FlagName[]).map((name): [string, number] => [name, flagValue(name, arch)]),
      ...(Object.keys(ERRNO) as ErrnoName[]).map((name): [string, number] => [name, ERRNO[name][0]]),
    ]);
    const theirs = numbersOf(arch, [...ours.keys()]);
    for (const name of MAY_BE_MISSING) if (!theirs.has(name)) ours.delete(name);
    deepStrictEqual(ours, theirs);
  });
}

Deno.test("ERRNO has the words of strerror(3)", () => {
  const directory = Deno.makeTempDirSync();
  const names = Object.keys(ERRNO) as ErrnoName[];
  const lines = names.map((name) => `  puts(strerror(${name}));`);
  const source = `#include <errno.h>\n#include <stdio.h>\n#include <string.h>\nint main(void) {\n${
    lines.join("\n")
  }\n}\n`;
  Deno.writeTextFileSync(`${directory}/words.c`, source);
  run(directory, "gcc", "-o", "words", "words.c");
  const words = new TextDecoder().decode(run(directory, `${directory}/words`)).trimEnd().split("\n");
  Deno.removeSync(directory, { recursive: true });
  deepStrictEqual(names.map((name) => ERRNO[name][1]), words);
});
