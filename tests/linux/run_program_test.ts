/** The daemon's executor on the real kernel. */
import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { errnoNumber, FLAGS } from "../../runner/base/mod.ts";
import { runProgram, StepError } from "../../runner/linux/run_program.ts";
import {
  bytes,
  call,
  type Data,
  flags,
  octal,
  type Program,
  ProgramBuilder,
  resultOf,
  type Step,
  text,
} from "../../runner/plan/mod.ts";
import { flag, makePipe, OwnedFd, syscall } from "../../runner/sys/mod.ts";

const descriptors = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
const room = (length: number): Data => bytes(new Uint8Array(length), "{room}");
const openDev = (builder: ProgramBuilder, name: string, path = "/dev/null"): Step =>
  builder.add(name, call("openat", "AT_FDCWD", text(path), flags("O_RDONLY", "O_CLOEXEC"), 0));

/** A test that leaves no descriptor behind. */
function test(name: string, run: () => void): void {
  Deno.test(`runProgram() ${name}`, () => {
    const before = descriptors();
    run();
    strictEqual(descriptors(), before, "descriptors are left open");
  });
}

function failure(program: Program): StepError {
  try {
    using _results = runProgram(program);
  } catch (error) {
    if (error instanceof StepError) return error;
    throw error;
  }
  throw new Error("the program did not fail");
}

test("keeps what steps opened until its results go", () => {
  const builder = new ProgramBuilder();
  const opened = openDev(builder, "open");
  const before = descriptors();
  using results = runProgram(builder.build());
  strictEqual(descriptors(), before + 1);
  strictEqual(results.valueOf(opened), results.fdOf(opened).number);
});

test("lets go of what a step closes", () => {
  const builder = new ProgramBuilder();
  const opened = openDev(builder, "open");
  builder.add("close", call("close", resultOf(opened)));
  using results = runProgram(builder.build());
  throws(() => results.fdOf(opened), /it opened nothing/);
});

test("closes all that was opened when a step fails, pipes too, and says which step", () => {
  const builder = new ProgramBuilder();
  openDev(builder, "open one");
  openDev(builder, "open two");
  builder.add("make a pipe", call("pipe2", room(8), "O_CLOEXEC"));
  const bad = builder.add("open nothing", call("openat", "AT_FDCWD", text("/nowhere"), 0, 0), {
    hint: "Make it",
  });
  openDev(builder, "never come here");
  const error = failure(builder.build());
  strictEqual(error.step, bad);
  strictEqual(error.errno, errnoNumber("ENOENT"));
  strictEqual(error.hint, "Make it");
  match(error.message, /^Cannot open nothing: No such file or directory \(ENOENT\)$/);
});

test("closes all that was opened when it cannot go on for another reason", () => {
  const builder = new ProgramBuilder();
  const opened = openDev(builder, "open");
  builder.add("use what was not passed", call("close", { kind: "passed", index: 3, text: "fd" }));
  throws(() => runProgram(builder.build()), /it asks for descriptor 3 of 0/);
  const reaping = new ProgramBuilder();
  openDev(reaping, "open");
  reaping.add("reap", { reapBelow: true, children: resultOf(opened) });
  throws(() => runProgram({ steps: [opened, ...reaping.build().steps] }), /it has a step for infra alone/);
});

test("goes on after a tolerated error with -1, and not after another", () => {
  const builder = new ProgramBuilder();
  const gone = builder.add("open", call("openat", "AT_FDCWD", text("/nowhere"), 0, 0), {
    tolerate: ["EEXIST", "ENOENT"],
  });
  using results = runProgram(builder.build());
  strictEqual(results.valueOf(gone), -1);
  const other = new ProgramBuilder();
  other.add("open", call("openat", "AT_FDCWD", text("/nowhere"), 0, 0), { tolerate: ["EEXIST"] });
  strictEqual(failure(other.build()).errno, errnoNumber("ENOENT"));
});

for (const [path, tries] of [["/dev/null", ["/dev/null"]], ["/nowhere", ["/dev/zero"]]] as const) {
  test(`takes the second way only where the first fails: ${path}`, () => {
    const builder = new ProgramBuilder();
    const probe: Step = {
      name: "open",
      action: call("openat", "AT_FDCWD", text(path), flags("O_PATH", "O_CLOEXEC"), 0),
      tolerate: ["ENOENT"],
    };
    const otherwise = new ProgramBuilder();
    const second = otherwise.add(
      "open the other",
      call("openat", "AT_FDCWD", text("/dev/zero"), flags("O_PATH", "O_CLOEXEC"), 0),
      { resultInto: probe },
    );
    builder.append(probe, otherwise);
    const after = builder.add("go on", call("fcntl", resultOf(probe), 1));
    using results = runProgram(builder.build());
    strictEqual(Deno.readLinkSync(`/proc/self/fd/${results.fdOf(probe).number}`), tries[0]);
    strictEqual(results.valueOf(second), -1);
    strictEqual(results.valueOf(after), FLAGS.MFD_CLOEXEC);
  });
}

test("gives -1 for a step that was passed over", () => {
  const builder = new ProgramBuilder();
  builder.add("succeed", call("getpid"), { skipOnSuccess: 1 });
  const skipped = builder.add("never", call("getpid"));
  const last = builder.add("go on", call("fcntl", resultOf(skipped), 1), { tolerate: ["EBADF"] });
  using results = runProgram(builder.build());
  deepStrictEqual([results.valueOf(skipped), results.valueOf(last)], [-1, -1]);
});

test("writes a result as a number and as the end of a path", () => {
  const builder = new ProgramBuilder();
  const path = bytes(new TextEncoder().encode(`/proc/self/fd${"/".repeat(10)}\0`), "{path}");
  const word = room(12);
  const opened = builder.add(
    "open",
    call("openat", "AT_FDCWD", text("/dev/zero"), flags("O_RDONLY", "O_CLOEXEC"), 0),
    {
      store: { in: path, at: "/proc/self/fd".length, as: "path" },
    },
  );
  builder.add("open again", call("openat", "AT_FDCWD", path, flags("O_RDONLY", "O_CLOEXEC"), 0));
  const pid = builder.add("ask", call("getpid"), { store: { in: word, at: 8 } });
  using results = runProgram(builder.build());
  ok(results.fdOf(opened).number > 2);
  strictEqual(results.wordAt(word, 8), Deno.pid);
  strictEqual(results.valueOf(pid), Deno.pid);
});

test("asks of an answer what a check says", () => {
  for (const [path, fails] of [["/dev", false], ["/dev/null", true]] as const) {
    const builder = new ProgramBuilder();
    const answer = room(256);
    builder.add("look", call("statx", "AT_FDCWD", text(path), 0, 0x7ff, answer));
    const check = builder.add("see that it is a directory", {
      check: answer,
      offset: 28,
      mask: FLAGS.S_IFMT,
      equals: FLAGS.S_IFDIR,
      errno: "ENOTDIR",
    });
    if (!fails) {
      using results = runProgram(builder.build());
      strictEqual(results.valueOf(check), 0);
    } else strictEqual(failure(builder.build()).errno, errnoNumber("ENOTDIR"));
  }
});

test("relocates pointers inside its data, and passes descriptors", () => {
  const [readEnd, writeEnd] = makePipe();
  using _read = readEnd;
  using write = writeEnd;
  const iov: Data = { ...room(32), pointers: [{ at: 0, to: text("ab") }, { at: 16, to: text("cd") }] };
  new DataView(iov.bytes.buffer).setBigUint64(8, 2n, true);
  new DataView(iov.bytes.buffer).setBigUint64(24, 2n, true);
  const builder = new ProgramBuilder();
  builder.add("write", call("writev", { kind: "passed", index: 1, text: "pipe" }, iov, 2));
  using _results = runProgram(builder.build(), [readEnd, write]);
  const got = new Uint8Array(8);
  strictEqual(syscall("read", "read", readEnd.number, got, got.length), 4);
  strictEqual(new TextDecoder().decode(got.subarray(0, 4)), "abcd");
});

test("runs 4096 steps, and refuses one more before the first", () => {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/made`;
  const many = (count: number): Program => {
    const builder = new ProgramBuilder();
    builder.add("make", call("mkdirat", "AT_FDCWD", text(path), octal(0o700)));
    while (builder.length < count) builder.add("ask", call("getpid"));
    return builder.build();
  };
  throws(() => runProgram(many(4097)), /at most 4096/);
  throws(() => Deno.statSync(path), Deno.errors.NotFound);
  using _results = runProgram(many(4096));
  ok(Deno.statSync(path).isDirectory);
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("ProgramResults gives away a descriptor that is released", () => {
  const builder = new ProgramBuilder();
  const opened = openDev(builder, "open");
  let kept: OwnedFd;
  {
    using results = runProgram(builder.build());
    kept = new OwnedFd(results.fdOf(opened).release());
  }
  using fd = kept;
  strictEqual(syscall("ask for its flags", "fcntl", fd.number, 1), flag("MFD_CLOEXEC"));
});
