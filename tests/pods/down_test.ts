import { match, ok, strictEqual } from "node:assert/strict";
import { podTest } from "../support/pods.ts";
import { shellPod, SLEEPER } from "../support/shell_pod.ts";

const DEAF = 'trap "" TERM; while :; do sleep 0.05; done';

podTest("down removes the pods of its files and no others", async (root) => {
  const file = await root.up(shellPod("one", SLEEPER, ""));
  await root.up(shellPod("two", SLEEPER, ""));
  strictEqual(await root.ok("down", file), 'pod "one" removed\n');
  strictEqual(await root.ok("get", "pods", "-o", "name"), "pod/two\n");
  strictEqual(await root.ok("down", "--all"), 'pod "two" removed\n');
  strictEqual(root.cgroups().join("\n"), "");
});

podTest("down of what is not there succeeds and says so", async (root) => {
  const file = root.manifest(shellPod("one", SLEEPER));
  for (const args of [["down", file], ["down", "--all"]]) {
    const said = await root.run(args);
    strictEqual(said.code, 0);
    strictEqual(said.stderr, "No pods found\n");
  }
  strictEqual((await root.run(["down", "-"], shellPod("one", SLEEPER))).code, 0);
});

podTest("down waits out the grace period of a pod that ignores TERM, and then kills", async (root) => {
  const file = await root.up(shellPod("deaf", DEAF, "terminationGracePeriodSeconds: 1"));
  const startMs = performance.now();
  await root.ok("down", file);
  ok(performance.now() - startMs >= 1000, "it was killed before its time");
});

podTest("down --now shortens the grace period of a pod that is being removed", async (root) => {
  const file = await root.up(shellPod("deaf", DEAF, "terminationGracePeriodSeconds: 600"));
  const patient = root.command(["down", file], { stdout: "null", stderr: "null", stdin: "null" }).spawn();
  await root.until("deaf", (pod) => pod.metadata?.deletionTimestamp !== undefined);
  match(await root.ok("get", "pods"), /Terminating/);
  await root.ok("down", file, "--grace-period", "0");
  strictEqual((await patient.status).code, 0);
});

podTest("down while up -d waits ends both", async (root) => {
  const file = root.manifest(`apiVersion: v1
kind: Pod
metadata: {name: slow}
spec:
  initContainers: [{name: init, image: host, command: [sleep, "1000"]}]
  containers: [{name: main, image: host, command: [sleep, "1000"]}]
`);
  const up = root.command(["up", "-d", file], { stdout: "null", stderr: "piped", stdin: "null" }).spawn();
  const starting = async (): Promise<boolean> => (await root.ok("get", "pods", "-o", "name")) !== "";
  while (!(await starting()));
  await root.ok("down", file, "--now");
  const { code, stderr } = await up.output();
  strictEqual(code, 1);
  match(new TextDecoder().decode(stderr), /pod "slow": it was removed meanwhile/);
});
