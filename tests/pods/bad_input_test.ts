import { ok, strictEqual } from "node:assert/strict";
import { podTest } from "../support/pods.ts";
import { shellPod, SLEEPER } from "../support/shell_pod.ts";

const GOLDEN = new URL("./golden/bad_input.golden", import.meta.url);

const pod = (spec: string): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec:\n${spec}`;
const CONTAINER = "  containers:\n  - name: main\n    image: host\n";

/** Files of bad input by name. */
const CASES: Readonly<Record<string, string | Uint8Array>> = {
  "yaml_error.yaml": pod("  containers: [\n"),
  "misspelt_field.yaml": pod(`${CONTAINER}    comand: [sleep, "1"]\n`),
  "wrong_type.yaml": pod(`${CONTAINER}    command: sleep\n`),
  "wrong_unit.yaml": pod(`${CONTAINER}    resources: {limits: {memory: 64MB}}\n`),
  "duplicate_key.yaml": pod(`${CONTAINER}    image: host\n`),
  "alias_bomb.yaml": `a: &a [x,x,x,x,x,x,x,x,x]\n${
    [..."bcdefghij"].map((name, index) =>
      `${name}: &${name} [${Array(9).fill(`*${"abcdefghij"[index]}`).join(",")}]\n`
    ).join("")
  }`,
  "unsupported_field.yaml": pod(
    `${CONTAINER}  schedulerName: mine\n  ephemeralContainers: [{name: debug}]\n`,
  ),
  "unknown_kind.yaml": "apiVersion: v1\nkind: Pot\nmetadata: {name: bad}\n",
  "binary.yaml": new Uint8Array(64).map((_, index) => index * 37),
  "empty_name.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {}\nspec:\n" + CONTAINER,
};

podTest("bad input is told with its place, starts nothing and touches nothing that runs", async (root) => {
  await root.up(shellPod("runs", SLEEPER, ""));
  const before = JSON.stringify((await root.pod("runs")).metadata);
  let told = "";
  const refuse = async (title: string, ...names: string[]): Promise<void> => {
    const said = await root.run(["up", "-d", ...names]);
    told += `== ${title}\n${said.stderr}`;
    strictEqual(said.code, 1, `${title}: ${said.stdout}${said.stderr}`);
    strictEqual(said.stdout, "", title);
  };
  for (const [name, content] of Object.entries(CASES)) {
    Deno.writeFileSync(
      `${root.files}/${name}`,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    await refuse(name, name);
  }
  Deno.mkdirSync(`${root.files}/empty`);
  await refuse("a directory without manifests", "empty");
  await refuse("a missing file", "missing.yaml");
  Deno.writeTextFileSync(`${root.files}/huge.yaml`, "# nothing\n".repeat(10_000));
  Deno.truncateSync(`${root.files}/huge.yaml`, 100 * 1024 * 1024);
  const startMs = performance.now();
  await refuse("a file of 100 MB", "huge.yaml");
  ok(performance.now() - startMs < 5_000, "it was read whole");
  const pods = await root.pods();
  strictEqual(pods.map(({ metadata }) => metadata?.name).join(), "runs");
  strictEqual(JSON.stringify(pods[0]?.metadata), before);
  if (Deno.env.has("UPDATE_GOLDEN")) Deno.writeTextFileSync(GOLDEN, told);
  strictEqual(told, Deno.readTextFileSync(GOLDEN));
});

podTest("bad input ends plan and down with 1, too", async (root) => {
  Deno.writeTextFileSync(`${root.files}/bad.yaml`, pod(`${CONTAINER}    comand: [sleep]\n`));
  for (const command of ["plan", "down"]) strictEqual((await root.run([command, "bad.yaml"])).code, 1);
});
