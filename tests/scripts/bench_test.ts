import assert from "node:assert/strict";
import { call, type Program, ProgramBuilder, resultOf, text } from "../../runner/plan/mod.ts";
import { floorSource } from "../../scripts/bench/floor_source.ts";
import { type Contender, interleave, median, renderReport } from "../../scripts/bench/mod.ts";

Deno.test("median() is the middle, or between the two in the middle", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

Deno.test("interleave() lets the contenders take turns", async () => {
  const order: string[] = [];
  const contender = (name: string): Contender => ({
    name,
    measure: () => Promise.resolve(order.push(name)),
  });
  const times = await interleave([contender("a"), contender("b")], 2);
  assert.deepEqual(order, ["a", "b", "a", "b"]);
  assert.deepEqual([...times], [["a", [1, 3]], ["b", [2, 4]]]);
});

Deno.test("renderReport() lines the columns up over all sections and tells which lines are crossed", () => {
  const text = renderReport([
    { title: "Start", rows: [{ what: "plain C", value: "4.00 ms" }] },
    {
      title: "Memory",
      rows: [
        { what: "infra", value: "28 kB", line: { text: "line 40", crossed: true }, note: "private 28 kB" },
        { what: "a peer", value: "-", line: { text: "line 1", crossed: false } },
      ],
    },
  ]);
  const expected = [
    "Start",
    "  plain C  4.00 ms",
    "",
    "Memory",
    "  infra      28 kB  ok   (line 40)  private 28 kB",
    "  a peer         -  MISS (line 1)",
    "",
  ];
  assert.deepEqual(text.split("\n"), expected);
});

function openAndMake(): Program {
  const builder = new ProgramBuilder();
  const opened = builder.add("open", call("openat", "AT_FDCWD", text("/a"), "O_PATH", 0), {
    tolerate: ["ENOENT"],
    skipOnSuccess: 1,
  });
  builder.add("make", call("mkdirat", "AT_FDCWD", text("/a"), 0o755));
  builder.add("close", call("close", resultOf(opened)));
  return builder.build();
}

Deno.test("floorSource() makes every call of the programs, with its arguments, tolerance and jumps", () => {
  const host = openAndMake();
  const child = new ProgramBuilder();
  child.add("run", call("execve", text("/bin/a"), 0, 0));
  const sandbox = { host, child: child.build(), passed: [], cloneFlags: ["CLONE_NEWNS"] as const };
  const start = { desired: { uid: "u" }, sandbox, containers: [] };
  const places = { run: "/run", lib: "/lib", logs: "/logs", infra: "/infra", recordBytes: 10 };
  const source = floorSource(start as unknown as Parameters<typeof floorSource>[0], places, "x86_64");
  const lines = source.split("\n").map((line) => line.trim());
  const at = lines.indexOf("STEP(0, 0, 2, 0, call6(257, -100l, (long)host_sandbox_0, 2097152l, 0l, 0, 0));");
  assert.ok(at > 0, source);
  assert.deepEqual(lines.slice(at + 1, at + 5), [
    "if (x >= 0) goto l2;",
    "STEP(1, 1, 0, 0, call6(258, -100l, (long)host_sandbox_1, 493l, 0, 0, 0));",
    "l2:;",
    "STEP(2, 2, 0, 0, call6(3, r[0], 0, 0, 0, 0, 0));",
  ]);
  const executed = lines.indexOf("SAY_EXECUTING(status_pipe);");
  assert.match(lines[executed + 1]!, /call6\(59, \(long\)child_sandbox_0/);
  assert.ok(!source.includes("SYS(close, r[0])"), "what a step has closed is not closed again");
});
