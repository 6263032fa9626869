import { strict as assert } from "node:assert";
import { parseJunit } from "../../scripts/junit.ts";

const REPORT = `<testsuites name="deno test" tests="5" failures="2" errors="0" time="0.010">
    <testsuite name="./tests/a_test.ts" tests="5" disabled="1" errors="0" failures="2">
        <testcase name="passes &gt; and is no step" classname="./tests/a_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="a &quot;b&quot; &lt;c&gt; &amp;lt; d (skipped: no cgroup v2)" classname="./tests/a_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
        <testcase name="fails" classname="./tests/a_test.ts" time="0.002" line="3" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="fails &gt; step" classname="./tests/a_test.ts" time="0.001" line="3" col="45">
            <failure message="Uncaught Error: &lt;skipped/&gt;">Error: &lt;skipped/&gt;
    at file:///a_test.ts:3:72</failure>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("parseJunit() tells passed, failed and skipped tests apart, and counts no step", () => {
  assert.deepEqual(parseJunit(REPORT), [
    { test: "tests/a_test.ts: passes > and is no step", outcome: "passed" },
    { test: 'tests/a_test.ts: a "b" <c> &lt; d', outcome: "skipped" },
    { test: "tests/a_test.ts: fails", outcome: "failed" },
  ]);
});

Deno.test("parseJunit() finds no test in a report that was never written", () => {
  assert.deepEqual(parseJunit(""), []);
});
