import assert from "node:assert/strict";
import { COMMANDS } from "../../runner/cli/commands.ts";
import { SeedpodError } from "../../runner/base/mod.ts";
import { fakeEngine, say } from "./_command_line.ts";
import { assertGolden } from "./_golden.ts";
import { podOf, running, status } from "./_pods.ts";

const ERRORS: readonly (readonly string[])[] = [
  ["upp", "pod.yaml"],
  ["-n", "x", "get", "pods"],
  ["toString"],
  ["logs", "web", "--tial", "3"],
  ["logs", "web", "-x"],
  ["logs", "web", "--tail", "many"],
  ["logs", "web", "--tail"],
  ["logs", "web", "-c", "--follow"],
  ["logs", "web", "--follow=maybe"],
  ["logs", "web", "-c", "a", "--all-containers"],
  ["logs"],
  ["logs", "web", "db"],
  ["up"],
  ["up", "pod.yaml", "--timeout", "30"],
  ["up", "pod.yaml", "--timeout", "soon"],
  ["up", "pod.yaml", "--", "x"],
  ["down"],
  ["down", "--all", "pod.yaml"],
  ["down", "--all", "--now", "--grace-period", "3"],
  ["down", "--all", "--grace-period", "-3"],
  ["exec", "web", "ls"],
  ["exec", "web", "--"],
  ["exec", "web", "-c", "serv", "--", "ls"],
  ["get"],
  ["get", "podz"],
  ["get", "pods", "-o", "jsn"],
  ["get", "pods", "web", "-A"],
  ["get", "pods", "wep"],
  ["get", "pods", "db"],
  ["describe", "pod"],
  ["completion", "bsh"],
  ["help", "lgos"],
];

const PODS = [
  podOf("web", "Running", [status("server", running), status("log", running)]),
  podOf("db", "Running", [status("a", running)], { namespace: "other" }),
];

Deno.test("runCommandLine() says what is wrong and what was meant, and gives 1", async () => {
  let text = "";
  for (const args of ERRORS) {
    const said = await say(args, fakeEngine(PODS));
    assert.equal(said.status, 1, args.join(" "));
    assert.equal(said.stdout, "");
    text += `$ seedpod ${args.join(" ")}\n${said.stderr}`;
  }
  assertGolden("errors", text);
});

Deno.test("runCommandLine() shows the help of every command, which loads nothing else", async () => {
  let text = (await say([])).stdout;
  for (const { name } of COMMANDS) {
    const { status, stdout } = await say([name, "--help"]);
    assert.equal(status, 0);
    assert.equal((await say(["help", name])).stdout, stdout);
    text += `\n==> ${name}\n${stdout}`;
  }
  assertGolden("help", text);
});

Deno.test("runCommandLine() takes --help of the command to be executed for that command's", async () => {
  const engine = fakeEngine(PODS);
  assert.equal((await say(["exec", "web", "--", "ls", "--help"], engine)).status, 42);
});

Deno.test("runCommandLine() gives the version", async () => {
  const { stdout } = await say(["--version"]);
  assert.match(stdout, /^seedpod \d+\.\d+\.\d+\n$/);
  assert.equal((await say(["version"])).stdout, stdout);
});

Deno.test("runCommandLine() ends quietly when nobody reads", async () => {
  const said = await say(["help"], fakeEngine([]), {
    stdout: () => Promise.reject(new Deno.errors.BrokenPipe()),
  });
  assert.deepEqual([said.status, said.stderr], [0, ""]);
});

Deno.test("runCommandLine() shows causes and hints, and gives 2 for what is our fault", async () => {
  const cause = new SeedpodError('Cannot open "/x": EACCES', {
    hint: "Become root",
    cause: new Error("deep down"),
  });
  const engine = {
    ...fakeEngine([]),
    pods: () => Promise.reject(new SeedpodError("Cannot list pods: no state", { cause })),
  };
  const said = await say(["get", "pods"], engine);
  assert.equal(said.status, 2);
  assertGolden("error_with_causes", said.stderr);
  const colored = await say(["get", "pods"], engine, { errorColor: true });
  assert.ok(colored.stderr.startsWith("\x1b[1;31merror:\x1b[0m Cannot"));
});

Deno.test("runCommandLine() shows where an unexpected error happened", async () => {
  const engine = { ...fakeEngine([]), pods: () => Promise.reject(new TypeError("x is not a function")) };
  const said = await say(["get", "pods"], engine);
  assert.equal(said.status, 2);
  assert.match(said.stderr, /^error: x is not a function\n {4}at /);
});

Deno.test("up, down and exec hand on what was asked", async () => {
  const engine = fakeEngine(PODS);
  await say(["up", "a.yaml", "-", "-d", "--timeout=1h30m"], engine);
  await say(["up", "a.yaml"], engine);
  await say(["down", "--all", "--now"], engine);
  await say(["down", "a.yaml", "b", "--grace-period=0"], engine);
  const said = await say(["exec", "-it", "pod/web", "-n=default", "--", "sh", "-c", "echo --"], engine);
  assert.equal(said.status, 42);
  assert.deepEqual(engine.asked, [
    { manifests: ["a.yaml", "-"], detach: true, timeoutMs: 5_400_000 },
    { manifests: ["a.yaml"], detach: false, timeoutMs: 60_000 },
    { manifests: "all", graceSeconds: 1 },
    { manifests: ["a.yaml", "b"], graceSeconds: 0 },
    { pod: PODS[0], container: "server", command: ["sh", "-c", "echo --"], stdin: true, tty: true },
  ]);
});

Deno.test("exec takes the container that the annotation names, as kubectl does", async () => {
  const [web] = PODS;
  const annotations = { "kubectl.kubernetes.io/default-container": "log" };
  const engine = fakeEngine([{ ...web!, metadata: { ...web!.metadata, annotations } }]);
  await say(["exec", "web", "--", "ls"], engine);
  assert.equal((engine.asked[0] as { container: string }).container, "log");
});
