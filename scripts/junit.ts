/** One test of a JUnit report. */
export interface TestOutcome {
  /** The test's file and name, which together tell it from all others; without the reason why it is skipped, if it says one. */
  test: string;
  /** What became of it. */
  outcome: "passed" | "failed" | "skipped";
}

/**
 * The tests of a report that `deno test --junit-path` wrote, in its order. Steps are left out: they are told with
 * their test, which fails when one of them does.
 */
export function parseJunit(xml: string): TestOutcome[] {
  const cases = [...xml.matchAll(/<testcase name="([^"]*)" classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs)];
  const names = new Set(cases.map(([, name, file]) => `${file} ${name}`));
  return cases.filter(([, name, file]) => !isStep(`${file} ${name}`, names))
    .map(([, name = "", file = "", body = ""]) => ({
      test: `${unescapeXml(file).replace(/^\.\//, "")}: ${
        unescapeXml(name).replace(/ \(skipped: .*\)$/, "")
      }`,
      outcome: /<(failure|error)\b/.test(body) ? "failed" : body.includes("<skipped") ? "skipped" : "passed",
    }));
}

/** Deno names a step `test > step`. */
function isStep(name: string, names: ReadonlySet<string>): boolean {
  const separator = " &gt; ";
  for (let at = name.indexOf(separator); at >= 0; at = name.indexOf(separator, at + 1)) {
    if (names.has(name.slice(0, at))) return true;
  }
  return false;
}

function unescapeXml(text: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_all, name) => entities[name] ?? "");
}
