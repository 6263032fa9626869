import assert from "node:assert/strict";
import fc from "fast-check";
import { expandVariables } from "../../../runner/plan/process/mod.ts";

const VALUES: Record<string, string> = {
  A: "a",
  B: "$(A)",
  EMPTY: "",
  "dash-ed.name": "d",
  SERVICE_IP: "172.17.0.1",
  SERVICE_PORT: "80",
  PROTOCOL: "https",
};
const lookup = (name: string): string | undefined => VALUES[name];

// what Kubernetes' documentation and its API reference promise, then the corners
const CASES: [text: string, expanded: string][] = [
  ["$(PROTOCOL)://$(SERVICE_IP):$(SERVICE_PORT)", "https://172.17.0.1:80"],
  ["$(UNDEFINED)://x:$(SERVICE_PORT)", "$(UNDEFINED)://x:80"],
  ["$$(PROTOCOL)://x", "$(PROTOCOL)://x"],
  ["$$(VAR_NAME)", "$(VAR_NAME)"],
  ["", ""],
  ["$", "$"],
  ["$$", "$"],
  ["$$$", "$$"],
  ["$$$(A)", "$a"],
  ["$$$$(A)", "$$(A)"],
  ["$A ${A} $", "$A ${A} $"],
  ["$(", "$("],
  ["$(A", "$(A"],
  ["$((A)", "$((A)"],
  ["$(A$(A)", "$(A$(A)"],
  ["x$(A)$(A)y", "xaay"],
  ["$(B)", "$(A)"],
  ["[$(EMPTY)]", "[]"],
  ["$()", "$()"],
  ["$(dash-ed.name)", "d"],
  ["$(A)$(", "a$("],
  [")$(A)", ")a"],
  ["$($$(A)", "$($$(A)"],
];

for (const [text, expanded] of CASES) {
  Deno.test(`expandVariables() makes ${JSON.stringify(expanded)} of ${JSON.stringify(text)}`, () => {
    assert.equal(expandVariables(text, lookup), expanded);
  });
}

Deno.test("expandVariables() leaves text without a dollar as it is", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    fc.pre(!text.includes("$"));
    assert.equal(expandVariables(text, () => "never"), text);
  }));
});

Deno.test("expandVariables() ends, however references stand in each other, and looks at no value again", () => {
  const pieces = fc.array(fc.constantFrom("$", "(", ")", "A", "$(SELF)", "$$", "x"), { maxLength: 40 });
  fc.assert(fc.property(pieces, (parts) => {
    let asked = 0;
    const text = parts.join("");
    const expanded = expandVariables(text, () => (asked++, "$(SELF)"));
    assert.ok(asked <= text.length / 3);
    assert.ok(expanded!.length <= text.length + asked * "$(SELF)".length);
  }));
});

Deno.test("expandVariables() escaped by doubling gives the text back", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    assert.equal(expandVariables(text.replaceAll("$", "$$$$"), () => "never"), text);
  }));
});

Deno.test("expandVariables() gives up at the limit instead of growing", () => {
  const value = "x".repeat(1000);
  assert.equal(expandVariables("$(A)".repeat(1_000_000), () => value, 5000), undefined);
  assert.equal(expandVariables("abc", lookup, 3), "abc");
  assert.equal(expandVariables("abcd", lookup, 3), undefined);
});

Deno.test("expandVariables() looks for the end of a reference once only where there is none", () => {
  const text = "$(".repeat(1_000_000);
  assert.equal(expandVariables(text, lookup), text);
});
