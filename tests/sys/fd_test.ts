/** Descriptors that own themselves, files in memory, pipes. */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import {
  flag,
  makePipe,
  openMemfd,
  OwnedFd,
  sealMemfd,
  syscall,
  SysError,
  trySyscall,
} from "../../runner/sys/mod.ts";
import { errnoNumber } from "../../runner/base/mod.ts";
import { descriptors, leakTest } from "./_descriptors.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

leakTest("OwnedFd closes at the end of its scope, once", () => {
  const before = descriptors();
  const [left, right] = makePipe();
  strictEqual(descriptors(), before + 2);
  {
    using _left = left;
    using other = right;
    other.close();
    strictEqual(other.number, -1);
    strictEqual(descriptors(), before + 1);
  }
  strictEqual(descriptors(), before);
  left.close();
});

leakTest("OwnedFd.release() leaves the descriptor open", () => {
  const [left, right] = makePipe();
  right.close();
  const number = left.release();
  left.close();
  strictEqual(trySyscall("fcntl", number, 1), flag("MFD_CLOEXEC"));
  new OwnedFd(number).close();
  strictEqual(trySyscall("fcntl", number, 1), -errnoNumber("EBADF"));
});

leakTest("makePipe() carries bytes from the second to the first, and no child inherits it", () => {
  const [read, write] = makePipe();
  using _read = read;
  using _write = write;
  syscall("write", "write", write.number, bytes("abc"), 3);
  const room = new Uint8Array(8);
  strictEqual(syscall("read", "read", read.number, room, room.length), 3);
  deepStrictEqual(room.subarray(0, 3), bytes("abc"));
  for (const end of [read, write]) strictEqual(trySyscall("fcntl", end.number, 1), 1);
});

leakTest("openMemfd() holds its content, larger than one write too", () => {
  const content = new Uint8Array(3_000_000).map((_, index) => index);
  using fd = openMemfd("test", content);
  deepStrictEqual(Deno.readFileSync(`/proc/self/fd/${fd.number}`), content);
});

for (const [name, call] of [["write", "write"], ["shrink", "ftruncate"], ["grow", "ftruncate"]] as const) {
  leakTest(`sealMemfd() lets nobody ${name} the file`, () => {
    using fd = openMemfd("test", bytes("content"));
    const tryIt = (more: number): number =>
      call === "write"
        ? trySyscall("write", fd.number, bytes("x"), 1)
        : trySyscall("ftruncate", fd.number, name === "shrink" ? 5 - more : 100 + more);
    ok(tryIt(0) >= 0);
    sealMemfd(fd);
    strictEqual(tryIt(1), -errnoNumber("EPERM"));
    throws(() => sealMemfd(fd), /Operation not permitted \(EPERM\)/);
  });
}

leakTest("syscall() says what failed, on what and why", () => {
  const path = bytes("/nowhere\0");
  throws(
    () => syscall('open "/nowhere"', "openat", flag("AT_FDCWD"), path, 0, 0),
    (error: SysError) =>
      error.message === 'Cannot open "/nowhere": No such file or directory (ENOENT)' && error.is("ENOENT") &&
      error.errnoName === "ENOENT",
  );
});
