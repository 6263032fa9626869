import { parseJunit } from "./junit.ts";

/** What a run of tests on several machines came to so far. */
export interface Tally {
  /** How many passed. */
  passed: number;
  /** What failed, in words. */
  failed: string[];
  /** Tests that ran on some machine. */
  ran: Set<string>;
  /** Tests that were skipped on some machine. */
  skipped: Set<string>;
}

/** A tally of nothing. */
export function emptyTally(): Tally {
  return { passed: 0, failed: [], ran: new Set(), skipped: new Set() };
}

/**
 * Adds the tests of one `deno test`, from its exit status (undefined when it never gave one) and its JUnit report. A
 * run that failed without a failed test (an error outside all tests, a crash), or ran no test, is a failure itself.
 */
export function countRun(tally: Tally, name: string, status: number | undefined, junit: string): void {
  const outcomes = parseJunit(junit);
  const failed = outcomes.filter(({ outcome }) => outcome === "failed");
  for (const { test, outcome } of outcomes) {
    if (outcome === "passed") tally.passed++;
    (outcome === "skipped" ? tally.skipped : tally.ran).add(test);
  }
  tally.failed.push(...failed.map(({ test }) => `${name}: ${test}`));
  if (failed.length > 0) return;
  if (status === undefined) tally.failed.push(`${name}: ended without an answer`);
  else if (status !== 0) tally.failed.push(`${name}: exit status ${status}`);
  else if (outcomes.length === 0) tally.failed.push(`${name}: no test was run`);
}

/** The tests that were skipped on every machine that met them, in order. */
export function skippedEverywhere(tally: Tally): string[] {
  return [...tally.skipped].filter((test) => !tally.ran.has(test)).sort();
}
