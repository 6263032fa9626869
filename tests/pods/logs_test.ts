import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { podTest } from "../support/pods.ts";
import { RunningCommand } from "../support/running_command.ts";
import { shellPod, SLEEPER } from "../support/shell_pod.ts";

podTest("logs chooses lines by container, end, time and run", async (root) => {
  await root.run([
    "up",
    "-d",
    root.manifest(`apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  restartPolicy: Never
  containers:
  - {name: first, image: host, command: [sh, -c, "seq 5; echo err >&2; sleep 1000"]}
  - {name: second, image: host, command: [sh, -c, "sleep 0.2; echo other; sleep 1000"]}
`),
  ]);
  while ((await root.ok("logs", "two", "-c", "second")) === "");
  const said = await root.run(["logs", "two"]);
  deepStrictEqual(said.stdout.trim().split("\n").sort(), ["1", "2", "3", "4", "5", "err"]);
  strictEqual(said.stderr, 'Defaulted container "first" out of: first, second\n');
  strictEqual(await root.ok("logs", "two", "-c", "second"), "other\n");
  strictEqual((await root.ok("logs", "two", "-c", "first", "--tail", "2")).trim().split("\n").length, 2);
  strictEqual(await root.ok("logs", "two", "--tail", "0"), "");
  strictEqual(await root.ok("logs", "two", "-c", "second", "--since", "1h"), "other\n");
  match(await root.ok("logs", "two", "-c", "second", "--timestamps"), /^\d{4}-\d\d-\d\dT[\d:.]+Z other\n$/);
  const all = await root.ok("logs", "two", "--all-containers", "--prefix");
  match(all, /\[pod\/two\/first\] 5\n/);
  match(all, /\[pod\/two\/second\] other\n$/);
  const unknown = await root.run(["logs", "two", "-c", "third"]);
  strictEqual(unknown.code, 1);
  match(unknown.stderr, /Cannot find container "third" in pod "two"/);
});

podTest("logs --previous shows the run before the restart", async (root) => {
  const script = "echo run; exit 1";
  await root.run(["up", "-d", root.manifest(shellPod("again", script, "restartPolicy: OnFailure"))]);
  await root.until("again", (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
  strictEqual(await root.ok("logs", "again", "--previous"), "run\n");
  await root.up(shellPod("web", SLEEPER, ""));
  const said = await root.run(["logs", "web", "--previous"]);
  strictEqual(said.code, 1);
  match(said.stderr, /it has not been restarted/);
});

podTest("logs -f goes on until the container ends, with its last lines", async (root) => {
  await root.up(shellPod("web", SLEEPER));
  const logs = new RunningCommand(root, ["logs", "-f", "web"]);
  await logs.says("ready\n");
  await root.run(["exec", "web", "--", "kill", "-TERM", "1"]);
  strictEqual(await logs.ended(), 0);
  strictEqual(logs.stdout, "ready\nstopping\n");
});
