/** Processes by executable descriptor, and by pidfd. */
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { FLAGS } from "../../runner/base/mod.ts";
import {
  cString,
  flag,
  makePipe,
  openMemfd,
  openPidfd,
  OwnedFd,
  signalPidfd,
  spawnExecutable,
  syscall,
  SysError,
  trySyscall,
  waitChild,
} from "../../runner/sys/mod.ts";
import { leakTest } from "./_descriptors.ts";

function open(path: string): OwnedFd {
  const how = flag("O_RDONLY", "O_CLOEXEC");
  return new OwnedFd(syscall("open", "openat", flag("AT_FDCWD"), cString(path), how, 0));
}

/** Starts `cat` between two pipes; its input, its output and its PID. */
function startCat(): { input: OwnedFd; output: OwnedFd; pid: number } {
  using cat = open("/bin/cat");
  const [theirInput, input] = makePipe();
  const [output, theirOutput] = makePipe();
  using zero = theirInput;
  using one = theirOutput;
  return { input, output, pid: spawnExecutable(cat, "cat", new Map([[0, zero], [1, one]])) };
}

/** What whoever started this process handed on without O_CLOEXEC: no business of ours. */
function inheritable(): Set<number> {
  const fds = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
  return new Set(fds.filter((fd) => trySyscall("fcntl", fd, 1) === 0));
}

leakTest("spawnExecutable() starts with the descriptors named, no others and no environment", () => {
  const inherited = inheritable();
  const { input, output, pid } = startCat();
  using _output = output;
  const text = new TextEncoder().encode("through the cat");
  syscall("write", "write", input.number, text, text.length);
  const room = new Uint8Array(100);
  strictEqual(syscall("read", "read", output.number, room, room.length), text.length);
  const fds = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => Number(name));
  deepStrictEqual(fds.filter((fd) => fd > 2 && !inherited.has(fd)), []);
  strictEqual(Deno.readFileSync(`/proc/${pid}/environ`).length, 0);
  strictEqual(Deno.readTextFileSync(`/proc/${pid}/cmdline`), "cat\0");
  input.close();
  strictEqual(waitChild(pid), 0);
});

leakTest("spawnExecutable() runs a file in memory", () => {
  using file = openMemfd("true", Deno.readFileSync("/bin/true"), { exec: true });
  strictEqual(waitChild(spawnExecutable(file, "true", new Map())), 0);
});

leakTest("spawnExecutable() says why a file cannot be run", () => {
  using file = openMemfd("nonsense", new TextEncoder().encode("nonsense"), { exec: true });
  throws(
    () => spawnExecutable(file, "nonsense", new Map()),
    (error: SysError) => error instanceof SysError && error.message.startsWith("Cannot start nonsense: "),
  );
});

leakTest("signalPidfd() reaches the process while it is there, and says when it is not", () => {
  const { input, output, pid } = startCat();
  using _input = input;
  using _output = output;
  using pidfd = openPidfd(pid);
  ok(pidfd);
  ok(signalPidfd(pidfd, FLAGS.SIGKILL));
  strictEqual(waitChild(pid) & 0x7f, FLAGS.SIGKILL);
  strictEqual(signalPidfd(pidfd, FLAGS.SIGKILL), false);
  strictEqual(openPidfd(pid), undefined);
});

leakTest("waitChild() waits for its own children alone", () => {
  throws(
    () => waitChild(1),
    (error: SysError) => match(error.message, /^Cannot wait for process 1: /) === undefined,
  );
});
