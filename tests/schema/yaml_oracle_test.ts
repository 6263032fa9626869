import assert from "node:assert/strict";
import { locateNode, nodeValue, readManifestFile, type YamlNode } from "../../schema/source/mod.ts";

const ORACLE = new URL("./yaml_oracle/", import.meta.url);
const readJson = (name: string) => JSON.parse(Deno.readTextFileSync(new URL(name, ORACLE)));

/** Refused on purpose, where kubectl silently takes the last value. */
const STRICTER = new Set(["dup", "dup-deep"]);

/** The JSON text that kubectl writes of a scalar. */
function jsonText(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  return JSON.stringify(value).replace(
    /[<>&]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The rows are the fields that kubectl was asked about: all but the object's own. */
function payload(document: YamlNode): Record<string, unknown> {
  const { apiVersion: _, kind: __, metadata: ___, ...rest } = nodeValue(document) as Record<string, unknown>;
  return rest;
}

for (const [text, row] of Object.entries(readJson("scalars.json") as Record<string, { raw?: string }>)) {
  Deno.test(`readManifestFile() reads the scalar ${JSON.stringify(text)} as kubectl does`, () => {
    const { documents, diagnostics } = readManifestFile("one.yaml", `a: ${text}\n`);
    if (row.raw === undefined) return assert.equal(diagnostics.length, 1);
    assert.deepEqual(diagnostics, []);
    const { node } = locateNode(documents[0]!, ["a"]);
    assert.equal(node.kind === "scalar" && jsonText(node.value), row.raw);
  });
}

for (const [name, expected] of Object.entries(readJson("structures.json"))) {
  Deno.test(`readManifestFile() reads structures/${name}.yaml as kubectl does`, () => {
    const bytes = Deno.readFileSync(new URL(`structures/${name}.yaml`, ORACLE));
    const { documents, diagnostics } = readManifestFile(`${name}.yaml`, bytes);
    if (typeof expected === "string" || STRICTER.has(name)) {
      assert.equal(diagnostics.length, 1, "one diagnostic");
      assert.deepEqual(documents, []);
      assert.equal(
        diagnostics[0]!.related !== undefined,
        STRICTER.has(name),
        "both positions of a duplicate",
      );
      return;
    }
    assert.deepEqual(diagnostics, []);
    const objects = documents.flatMap((document) => {
      const { items } = nodeValue(document) as { items?: unknown[] };
      if (!items) return [payload(document)];
      return items.map((_, index) => payload(locateNode(document, ["items", index]).node));
    });
    assert.deepEqual(objects, expected);
  });
}
