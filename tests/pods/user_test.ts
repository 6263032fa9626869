import { match, strictEqual } from "node:assert/strict";
import { podTest, type Said, type TestRoot } from "../support/pods.ts";

/** Runs a command as a user who may read every file, so that Deno starts, but is not root. */
async function asNobody(root: TestRoot, args: readonly string[]): Promise<Said> {
  const { cmd, args: [run = "", ...words] } = root.shellWords(args);
  const capabilities = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
  const { code, stdout, stderr } = await new Deno.Command("setpriv", {
    args: [
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      ...capabilities,
      cmd,
      run,
      "--cached-only",
      ...words,
    ],
    env: { SEEDPOD_ROOT: root.path },
    cwd: "/",
    stdin: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

podTest("whoever is not root is told so, and may still read the help", async (root) => {
  for (const args of [["get", "pods"], ["down", "--all"], ["serve"]]) {
    const said = await asNobody(root, args);
    strictEqual(said.code, 1, said.stderr);
    match(said.stderr, /^error: Cannot run pods: this process is not root\n {2}hint: .*sudo\n$/);
  }
  strictEqual((await asNobody(root, ["help"])).code, 0);
});
