import assert from "node:assert/strict";
import { say } from "./_command_line.ts";
import { assertGolden } from "./_golden.ts";

Deno.test("completion prints the script of each shell", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    assertGolden(`completion_${shell}`, (await say(["completion", shell])).stdout);
  }
});

/** What bash offers for the last of these words, in a directory with the file pod.yaml. */
async function bashOffers(...words: string[]): Promise<string[]> {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${directory}/pod.yaml`, "");
    const { stdout: completion } = await say(["completion", "bash"]);
    const script = `${completion}
seedpod() { printf 'pod/web\\npod/db\\n'; }
COMP_WORDS=(seedpod ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}
_seedpod; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await new Deno.Command("bash", { args: ["-uc", script], cwd: directory })
      .output();
    assert.equal(new TextDecoder().decode(stderr), "");
    return new TextDecoder().decode(stdout).split("\n").filter(Boolean).sort();
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("completion of bash offers commands, options, values, pods and files where they belong", async () => {
  assert.deepEqual(await bashOffers("de"), ["describe"]);
  assert.deepEqual(await bashOffers("up", "--d"), ["--detach"]);
  assert.deepEqual(await bashOffers("get", "pods", "-o", "j"), ["json"]);
  assert.deepEqual(await bashOffers("get", "p"), ["po", "pod", "pods"]);
  assert.deepEqual(await bashOffers("get", "pods", ""), ["db", "web"]);
  assert.deepEqual(await bashOffers("logs", "-n", "x", "-f", "w"), ["web"]);
  assert.deepEqual(await bashOffers("logs", "web", ""), []);
  assert.deepEqual(await bashOffers("up", "po"), ["pod.yaml"]);
  assert.deepEqual(await bashOffers("help", "pl"), ["plan"]);
});
