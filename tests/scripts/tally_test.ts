import { strict as assert } from "node:assert";
import { countRun, emptyTally, skippedEverywhere } from "../../scripts/tally.ts";

function report(...tests: [name: string, body: string][]): string {
  return tests.map(([name, body]) =>
    `<testcase name="${name}" classname="./tests/a_test.ts" time="0">${body}</testcase>`
  ).join("\n");
}

Deno.test("countRun() counts what passed and names what failed", () => {
  const tally = emptyTally();
  countRun(tally, "unit", 1, report(["one", ""], ["two", '<failure message="no"/>'], ["three", ""]));
  assert.equal(tally.passed, 2);
  assert.deepEqual(tally.failed, ["unit: tests/a_test.ts: two"]);
});

Deno.test("countRun() takes a run for failed that has no failed test but a bad exit status", () => {
  const tally = emptyTally();
  countRun(tally, "unit", 1, report(["one", ""]));
  countRun(tally, "vm", undefined, "");
  countRun(tally, "empty", 0, "");
  assert.equal(tally.passed, 1);
  assert.deepEqual(tally.failed, [
    "unit: exit status 1",
    "vm: ended without an answer",
    "empty: no test was run",
  ]);
});

Deno.test("skippedEverywhere() forgives a test that one machine ran", () => {
  const tally = emptyTally();
  countRun(
    tally,
    "host",
    0,
    report(["v1", ""], ["v2 (skipped: no v2)", "<skipped/>"], ["never", "<skipped/>"]),
  );
  countRun(
    tally,
    "vm",
    0,
    report(["v1 (skipped: no v1)", "<skipped/>"], ["v2", ""], ["never", "<skipped/>"]),
  );
  assert.deepEqual(skippedEverywhere(tally), ["tests/a_test.ts: never"]);
  assert.deepEqual(tally.failed, []);
});
