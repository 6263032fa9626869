/** The kernel's numbers that this program carries are those of the machine's headers, for both architectures. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type Arch,
  describeErrno,
  ERRNO,
  type ErrnoName,
  type FlagName,
  FLAGS,
  flagValue,
  SYSCALL_NUMBERS,
  type SyscallName,
  syscallNumber,
} from "../../runner/base/mod.ts";

/** The kernel's own headers say all that libc's say too, and more. */
const HEADERS = `
#include <linux/types.h>
#include <asm/unistd.h>
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/socket.h>
#include <asm/stat.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/keyctl.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <asm/signal.h>
#include <linux/sockios.h>
#include <linux/stat.h>
`;

/** What those headers leave to libc, with the values of its headers on both architectures. */
const OF_LIBC: Partial<Record<FlagName, number>> = {
  AF_UNIX: 1,
  AF_INET: 2,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SCM_RIGHTS: 1,
  MSG_NOSIGNAL: 0x4000,
  MSG_DONTWAIT: 0x40,
  MSG_CMSG_CLOEXEC: 0x40000000,
  MNT_DETACH: 2,
  UMOUNT_NOFOLLOW: 8,
};

/** What each expression is to the preprocessor and the compiler, which leaves a name that it does not know as it is. */
function evaluate(compiler: string, expressions: readonly string[]): (number | undefined)[] {
  const directory = Deno.makeTempDirSync();
  try {
    const lines = expressions.map((each, index) =>
      `static const long long value_${index} = (long long)(${each});`
    );
    const known = expressions.map((each, index) => [`#ifdef ${each}`, lines[index], "#endif"].join("\n"));
    const enums = expressions.map((each, index) =>
      `#ifndef ${each}\nlong long value_${index} = UNKNOWN;\n#endif`
    );
    const table = `long long table[] __attribute__((section(".numbers"))) = {\n${
      expressions.map((each) => `#ifdef ${each}\n(long long)(${each}),\n#else\nABSENT,\n#endif`).join("\n")
    }\n};`;
    void known;
    void enums;
    Deno.writeTextFileSync(`${directory}/n.c`, `${HEADERS}\n#define ABSENT 0x7eadbeef7eadbeef\n${table}\n`);
    const run = (program: string, ...args: string[]): void => {
      const { success, stderr } = new Deno.Command(program, { args, cwd: directory }).outputSync();
      strictEqual(success, true, new TextDecoder().decode(stderr));
    };
    run(compiler, "-c", "n.c", "-o", "n.o");
    run(compiler.replace(/gcc$/, "objcopy"), "-O", "binary", "-j", ".numbers", "n.o", "n.bin");
    const values = new BigInt64Array(Deno.readFileSync(`${directory}/n.bin`).buffer);
    return [...values].map((value) => value === 0x7eadbeef7eadbeefn ? undefined : Number(value));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}
