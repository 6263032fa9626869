import { strict as assert } from "node:assert";
import { treeFiles } from "../../scripts/tree.ts";

Deno.test("treeFiles() lists regular files in order, and nothing of git's or npm's", () => {
  const root = Deno.makeTempDirSync();
  try {
    for (const folder of ["b/c", ".git", "node_modules/x", ".ci"]) {
      Deno.mkdirSync(`${root}/${folder}`, { recursive: true });
    }
    for (const file of ["b/c/d", "b/a", "z", ".ci/run", ".git/HEAD", "node_modules/x/y"]) {
      Deno.writeTextFileSync(`${root}/${file}`, "");
    }
    Deno.symlinkSync("z", `${root}/link`);
    assert.deepEqual(treeFiles(root), [".ci/run", "b/a", "b/c/d", "z"]);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
