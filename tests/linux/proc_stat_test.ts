import assert from "node:assert/strict";
import { parseBootTimeMs, parseProcStat, readProcStat, startedAtMs } from "../../runner/linux/proc_stat.ts";

const TAIL = "1 2 3 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 2461696 321 18446744073709551615";

Deno.test("parseProcStat() is not fooled by a name with spaces and parentheses", () => {
  const stat = parseProcStat(`42 (a) S 1 (x y)) Z ${TAIL}\n`);
  assert.deepEqual(stat, { pid: 42, comm: "a) S 1 (x y)", state: "Z", ppid: 1, startTicks: 4711 });
});

Deno.test("parseProcStat() of something else is null", () => {
  for (const text of ["", "42", "42 (a", "42 (a) S 1", ") S 1 ("]) assert.equal(parseProcStat(text), null);
});

Deno.test("readProcStat() asks the kernel, and is null for a process that is not there", () => {
  assert.equal(readProcStat(Deno.pid)?.ppid, Deno.ppid);
  assert.equal(readProcStat(2 ** 22 + 1), null);
});

Deno.test("startedAtMs() places a process's start on the wall clock", () => {
  const bootTimeMs = parseBootTimeMs(Deno.readTextFileSync("/proc/stat"));
  assert.ok(bootTimeMs !== null);
  const stat = readProcStat(Deno.pid);
  assert.ok(stat !== null);
  const ageMs = Date.now() - startedAtMs(stat, bootTimeMs);
  assert.ok(ageMs > -2000 && ageMs < 3_600_000, `this process is ${ageMs} ms old`);
  assert.equal(parseBootTimeMs("cpu 1 2 3\n"), null);
});
