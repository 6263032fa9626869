import { strictEqual } from "node:assert/strict";
import { fieldsPage } from "../../scripts/gen_docs.ts";

Deno.test("docs/fields.md says what the field table says", () => {
  const page = Deno.readTextFileSync(new URL("../../docs/fields.md", import.meta.url));
  strictEqual(page, fieldsPage(), "run: deno run --allow-all scripts/gen_docs.ts");
});
