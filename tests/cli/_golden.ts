import assert from "node:assert/strict";

/** Compares a text with the golden file of that name; UPDATE_GOLDEN=1 rewrites the file instead. */
export function assertGolden(name: string, actual: string): void {
  const url = new URL(`./golden/${name}.golden`, import.meta.url);
  if (Deno.env.get("UPDATE_GOLDEN") === "1") return Deno.writeTextFileSync(url, actual);
  assert.equal(actual, Deno.readTextFileSync(url), `${name}.golden differs; UPDATE_GOLDEN=1 rewrites it`);
}
