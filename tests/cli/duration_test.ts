import assert from "node:assert/strict";
import { parseDurationMs } from "../../runner/cli/arguments/mod.ts";

Deno.test("parseDurationMs() reads durations as Go writes them, and nothing else", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["30s", 30_000],
    ["1h30m", 5_400_000],
    ["1.5m", 90_000],
    [".5s", 500],
    ["100ms", 100],
    ["1h0m0s", 3_600_000],
    ["", undefined],
    ["30", undefined],
    ["-5s", undefined],
    ["5 s", undefined],
    ["5sec", undefined],
    ["s", undefined],
    ["1e3s", undefined],
    ["9".repeat(30) + "h", undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseDurationMs(text), ms, text);
});
