import assert from "node:assert/strict";
import { type Diagnostic, renderDiagnostic } from "../../schema/mod.ts";

const base: Diagnostic = {
  severity: "error",
  message: 'unknown field "imagee" in Container',
  file: "pod.yaml",
  line: 7,
  column: 5,
  length: 6,
  sourceLine: "    imagee: host",
  hint: 'did you mean "image"?',
};

Deno.test("renderDiagnostic() shows the place, the line with a caret, and the help", () => {
  assert.equal(
    renderDiagnostic(base),
    `error: unknown field "imagee" in Container
 --> pod.yaml:7:5
  |
7 |     imagee: host
  |     ^^^^^^
help: did you mean "image"?
`,
  );
});

Deno.test("renderDiagnostic() with colour differs only in colour", () => {
  // deno-lint-ignore no-control-regex -- ANSI escapes are what is removed
  const escapes = /\x1b\[[0-9;]*m/g;
  assert.equal(renderDiagnostic(base, { color: true }).replace(escapes, ""), renderDiagnostic(base));
});

Deno.test("renderDiagnostic() lets no control character of a file or its name reach the terminal", () => {
  const evil = "\x1b[31m\u009b2J\u202e\r\x07";
  const rendered = renderDiagnostic({ ...base, message: evil, file: evil, sourceLine: evil, hint: evil });
  // deno-lint-ignore no-control-regex -- their absence is the promise
  assert.doesNotMatch(rendered, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
});

Deno.test("renderDiagnostic() cuts a long line around the caret and keeps the caret below its text", () => {
  const sourceLine = `${"a".repeat(500)}HERE${"b".repeat(500)}`;
  const lines = renderDiagnostic({ ...base, sourceLine, column: 501, length: 4 }).split("\n");
  assert.ok(lines[3]!.length < 120);
  assert.equal(lines[4]!.indexOf("^"), lines[3]!.indexOf("HERE"));
  assert.match(lines[4]!, /[^^]\^{4}$/);
});
