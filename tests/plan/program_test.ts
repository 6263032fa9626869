/** Programs are put together and shown. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  call,
  flags,
  octal,
  ProgramBuilder,
  renderProgram,
  resultOf,
  text,
  toArg,
  vector,
} from "../../runner/plan/mod.ts";

Deno.test("call() takes numbers and flag names for themselves", () => {
  deepStrictEqual(call("openat", "AT_FDCWD", 5, 7n, octal(0o755)).args, [
    { kind: "flags", names: ["AT_FDCWD"] },
    { kind: "int", value: 5 },
    { kind: "int", value: 7n },
    { kind: "int", value: 0o755, octal: true },
  ]);
  const both = flags("O_PATH", "O_CLOEXEC");
  strictEqual(toArg(both), both);
});

Deno.test("vector() ends with a null pointer", () => {
  const { bytes, pointers } = vector(["a", "b"]);
  strictEqual(bytes.length, 24);
  deepStrictEqual(pointers?.map(({ at, to }) => [at, new TextDecoder().decode(to.bytes)]), [[0, "a\0"], [
    8,
    "b\0",
  ]]);
});

Deno.test("ProgramBuilder.append() passes over the other way when the probe succeeds", () => {
  const builder = new ProgramBuilder();
  const otherwise = new ProgramBuilder();
  otherwise.add("make it", call("mkdirat", "AT_FDCWD", text("/x"), octal(0o755)));
  otherwise.add("open it", call("openat", "AT_FDCWD", text("/x"), "O_PATH", 0));
  const probe = builder.append({
    name: "open it",
    action: call("openat", "AT_FDCWD", text("/x"), "O_PATH", 0),
  }, otherwise);
  strictEqual(probe.skipOnSuccess, 2);
  strictEqual(builder.length, 3);
  strictEqual(builder.describe(probe), "/proc/self/fd/#1");
});

Deno.test("renderProgram() shows steps, rules and the lines they come from, and no control characters", () => {
  const builder = new ProgramBuilder();
  const room = { kind: "data" as const, bytes: new Uint8Array(16), text: "{room}" };
  const first = builder.add(
    "open a\nb",
    call("openat", "AT_FDCWD", text("/a"), flags("O_PATH", "O_CLOEXEC"), 0),
    {
      from: ["spec"],
      tolerate: ["ENOENT"],
      skipOnSuccess: 1,
    },
  );
  builder.add("open c", call("openat", "AT_FDCWD", text("/c"), 0, octal(0o644)), { resultInto: first });
  builder.add("check it", { check: room, offset: 4, mask: 0xf000, equals: 0x4000, errno: "ENOTDIR" });
  builder.add("close it", call("close", resultOf(first)), { store: { in: room, at: 8, as: "path" } });
  const lines = renderProgram(builder.build(), () => ({ file: "pod.yaml", line: 3 })).split("\n");
  deepStrictEqual(lines.map((line) => line.replace(/  +/g, "  ")), [
    '#1  pod.yaml:3  open a\\x0ab  openat(AT_FDCWD, "/a", O_PATH|O_CLOEXEC, 0)  ; tolerates ENOENT; on success goes on at #3',
    '#2  -  open c  openat(AT_FDCWD, "/c", 0, 0644)  ; result becomes #1',
    "#3  -  check it  check ({room}[4] & 0xf000) == 0x4000 or ENOTDIR",
    "#4  -  close it  close(#1)  ; stores the result as text in {room}[8]",
    "",
  ]);
});
