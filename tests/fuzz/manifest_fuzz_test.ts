import assert from "node:assert/strict";
import fc from "fast-check";
import { parseManifests, renderDiagnostic } from "../../schema/mod.ts";

const SEEDS = [
  ...["kubectl_get.yaml", "golden/references.yaml", "golden/broken_rules.yaml", "golden/config.yaml"],
  ...[
    "golden/duplicate_key.yaml",
    "yaml_oracle/structures/merge-list.yaml",
    "yaml_oracle/structures/json2.yaml",
  ],
].map((path) => Deno.readTextFileSync(new URL(`../schema/${path}`, import.meta.url)));

/** Pieces that have a meaning in YAML or JSON, or are hard to show or to encode. */
const PIECES = [
  ..."{}[]:,-?&*!|>'\"%@`#\\\n\r\t~ \0\x1b\ufeff\u2028é語😀".split(""),
  ...[
    "---\n",
    "...\n",
    "<<: ",
    "*a",
    "&a ",
    "!!int ",
    "null",
    "0x7f",
    "1e400",
    ".inf",
    "__proto__: ",
    "\ud83d",
    "\r\n",
  ],
  ...[
    "constructor: ",
    "{}",
    "[]",
    "- ",
    "9".repeat(30),
    "  ",
    "spec:\n",
    "%YAML 1.2\n---\n",
    "? ",
    "toString: x\n",
  ],
];

interface Edit {
  at: number;
  remove: number;
  insert: string;
}

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat({ max: 12 }),
    insert: fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "binary", maxLength: 6 })),
  }),
  { minLength: 1, maxLength: 8 },
);

function mutate(seed: string, changes: Edit[]): string {
  return changes.reduce((text, { at, remove, insert }) => {
    const offset = Math.floor(at * text.length);
    return text.slice(0, offset) + insert + text.slice(offset + remove);
  }, seed);
}

/** What holds of every input: an answer, whose diagnostics lie inside the file and are safe to print. */
function checkAnswer(text: string | Uint8Array): void {
  const { objects, diagnostics } = parseManifests([{ file: "fuzz.yaml", text }]);
  const source = typeof text === "string" ? text : new TextDecoder().decode(text);
  const lines = source.split(/\r\n|\r|\n/).length;
  for (const diagnostic of diagnostics) {
    assert.ok(diagnostic.line >= 1 && diagnostic.line <= lines, `line ${diagnostic.line} of ${lines}`);
    assert.ok(
      diagnostic.column >= (diagnostic.sourceColumn ?? 1) &&
        diagnostic.column <= (diagnostic.sourceColumn ?? 1) + [...diagnostic.sourceLine].length,
    );
    // deno-lint-ignore no-control-regex -- their absence is the promise
    assert.doesNotMatch(renderDiagnostic(diagnostic), /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  }
  const seen = new Set(diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`));
  assert.equal(seen.size, diagnostics.length, "no diagnostic is said twice");
  for (const object of objects) assert.ok(object.locate(["metadata", "name"]).line <= lines);
}

Deno.test("parseManifests() answers every mutated manifest", () => {
  fc.assert(
    fc.property(fc.constantFrom(...SEEDS), edits, (seed, changes) => checkAnswer(mutate(seed, changes))),
    { numRuns: 3000 },
  );
});

Deno.test("parseManifests() answers every string of bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => checkAnswer(bytes)), { numRuns: 1000 });
});

/** Values in place of fields: wrong types, odd keys, deep nesting. */
const values = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, 0, -1, 1.5, "", "a", "100m", "host", [], {}),
    fc.array(tie("node"), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        ..."name image env value valueFrom resources limits cpu volumes emptyDir containers ports __proto__ key"
          .split(" "),
      ),
      tie("node"),
      { maxKeys: 4 },
    ),
  ),
})).node;

Deno.test("parseManifests() answers objects of any shape", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("Pod", "ConfigMap", "Secret", "List"),
      values,
      values,
      (kind, metadata, spec) => {
        const fields = kind === "Pod" ? { spec } : kind === "List" ? { items: spec } : { data: spec };
        checkAnswer(JSON.stringify({ apiVersion: "v1", kind, metadata, ...fields }));
        checkAnswer(
          JSON.stringify({ apiVersion: "v1", kind, metadata: { name: "a" }, spec: { containers: [spec] } }),
        );
      },
    ),
    { numRuns: 2000 },
  );
});
