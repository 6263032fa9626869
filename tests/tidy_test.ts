import { strict as assert } from "node:assert";
import { houseRules, readTree, sourceRules, textRules } from "./support/tidy/mod.ts";

const tree = readTree(".");

for (const rule of [...houseRules, ...sourceRules, ...textRules]) {
  Deno.test(`tidy: ${rule.name}`, () => {
    const faults = rule.check(tree).map(({ path, line, message }) => `${path}:${line}: ${message}`);
    assert.ok(faults.length === 0, `${rule.name}, but\n${faults.join("\n")}`);
  });

  Deno.test(`tidy sees where it does not hold that ${rule.name}`, () => {
    assert.deepEqual(rule.check(rule.planted).map(({ path, line }) => `${path}:${line}`), rule.faults);
  });
}
