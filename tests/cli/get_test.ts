import assert from "node:assert/strict";
import { fakeEngine, say } from "./_command_line.ts";
import { podOf, running, status } from "./_pods.ts";

const PODS = [
  podOf("db", "Running", [status("a", running)]),
  podOf("web", "Running", [status("a", running)]),
  podOf("log", "Running", [status("a", running)], { namespace: "other" }),
];
const engine = fakeEngine(PODS);

Deno.test("get knows pods by all their words", async () => {
  const { stdout } = await say(["get", "pods", "-o", "name"], engine);
  assert.equal(stdout, "pod/db\npod/web\n");
  for (const word of ["pod", "po"]) {
    assert.equal((await say(["get", word, "-o=name"], engine)).stdout, stdout);
  }
  for (const args of [["pod", "web"], ["pod/web"], ["po", "pods/web"]]) {
    assert.equal((await say(["get", ...args, "-oname"], engine)).stdout, "pod/web\n");
  }
});

Deno.test("get looks in one namespace, or in all", async () => {
  assert.equal((await say(["get", "pods", "-n", "other", "-o", "name"], engine)).stdout, "pod/log\n");
  assert.match(
    (await say(["get", "pods", "-A"], engine)).stdout,
    /^NAMESPACE +NAME .*\n(.*\n){2}other +log /,
  );
});

Deno.test("get -o json gives a v1.PodList, and a v1.Pod for one name", async () => {
  const list = JSON.parse((await say(["get", "pods", "-o", "json"], engine)).stdout);
  assert.deepEqual([list.apiVersion, list.kind, list.items.length], ["v1", "PodList", 2]);
  const pod = JSON.parse((await say(["get", "pod", "web", "-o", "json"], engine)).stdout);
  assert.deepEqual(pod, PODS[1]);
  assert.equal(
    JSON.parse((await say(["get", "pods", "-n", "none", "-o", "json"], engine)).stdout).items.length,
    0,
  );
});

Deno.test("get shows the pods that are there, and says which are not", async () => {
  const said = await say(["get", "pods", "web", "nope", "--no-headers"], engine);
  assert.equal(said.status, 1);
  assert.match(said.stdout, /^web /);
  assert.match(said.stderr, /^error: Cannot find pod "nope"/);
});

Deno.test("get says on stderr that there is nothing", async () => {
  const said = await say(["get", "pods", "-n", "none"], engine);
  assert.deepEqual(said, { status: 0, stdout: "", stderr: "No resources found in none namespace.\n" });
});

Deno.test("describe takes pod NAME and pod/NAME", async () => {
  const { stdout } = await say(["describe", "pod", "web"], engine);
  assert.match(stdout, /^Name: +web\n/);
  assert.equal((await say(["describe", "pod/web"], engine)).stdout, stdout);
});
