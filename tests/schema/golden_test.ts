import assert from "node:assert/strict";
import { parseManifests, renderDiagnostic } from "../../schema/mod.ts";

const GOLDEN = new URL("./golden/", import.meta.url);
const update = Deno.env.get("UPDATE_GOLDEN") === "1";

for (const { name } of [...Deno.readDirSync(GOLDEN)].filter(({ name }) => name.endsWith(".yaml"))) {
  Deno.test(`parseManifests() says of golden/${name} what its golden file says`, () => {
    const text = Deno.readFileSync(new URL(name, GOLDEN));
    const { diagnostics } = parseManifests([{ file: name, text }]);
    const rendered = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic)).join("\n");
    const golden = new URL(name.replace(/\.yaml$/, ".golden"), GOLDEN);
    if (update) Deno.writeTextFileSync(golden, rendered);
    assert.ok(diagnostics.length > 0, "a golden file shows diagnostics");
    assert.equal(rendered, Deno.readTextFileSync(golden));
  });
}
