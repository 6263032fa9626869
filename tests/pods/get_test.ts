import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { crashDaemon } from "../support/daemon.ts";
import { podTest, type TestRoot } from "../support/pods.ts";
import { shellPod, SLEEPER } from "../support/shell_pod.ts";

podTest("get shows the true state of what runs, has ended and was restarted", async (root) => {
  const beforeMs = Date.now();
  await root.up(shellPod("web", SLEEPER, ""));
  await root.run(["up", "-d", root.manifest(shellPod("failed", "exit 3"))]);
  await root.run(["up", "-d", root.manifest(shellPod("again", "exit 4", "restartPolicy: Always"))]);
  const web = await root.pod("web");
  strictEqual(web.status?.qosClass, "BestEffort");
  strictEqual(web.status?.containerStatuses?.[0]?.ready, true);
  const startedAt = Date.parse(web.status?.containerStatuses?.[0]?.state?.running?.startedAt ?? "");
  ok(startedAt >= beforeMs - 1000 && startedAt <= Date.now(), "startedAt is not when it started");
  const failed = await root.until("failed", (pod) => pod.status?.phase === "Failed");
  const { exitCode, reason, finishedAt } = failed.status!.containerStatuses![0]!.state!.terminated!;
  deepStrictEqual([exitCode, reason], [3, "Error"]);
  ok(Date.parse(finishedAt!) >= beforeMs - 1000);
  const again = await root.until("again", (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
  strictEqual(again.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 4);
  match(await root.ok("get", "pods", "-o", "wide"), /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/);
  strictEqual(await root.ok("get", "pods", "-o", "name"), "pod/again\npod/failed\npod/web\n");
  match(await root.ok("get", "pod", "web", "-o", "yaml"), /^apiVersion: v1\nkind: Pod\n/);
  match(await root.ok("describe", "pod", "web"), /^Name: +web\n/);
});

podTest("get of a pod that is not there gives 1 and says what may be meant", async (root) => {
  await root.up(shellPod("web", SLEEPER, ""));
  const said = await root.run(["get", "pods", "wbe"]);
  strictEqual(said.code, 1);
  strictEqual(said.stdout, "");
  match(said.stderr, /Cannot find pod "wbe": there is none in namespace "default"\n.*web/);
});

podTest("get ends well when nobody reads its answer", async (root) => {
  await root.up(shellPod("web", SLEEPER, ""));
  const child = root.command(["get", "pods"], { stdout: "piped", stderr: "piped", stdin: "null" }).spawn();
  await child.stdout.cancel();
  const { code } = await child.status;
  strictEqual(new TextDecoder().decode(await new Response(child.stderr).bytes()), "");
  strictEqual(code, 0);
});

podTest(
  "reading works without any seedpod process, and the next daemon counts the exit once",
  async (root) => {
    const script =
      "trap 'echo bye > /dev/termination-log; exit 9' TERM; echo ready; while :; do sleep 0.02; done";
    const file = await root.up(`apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  restartPolicy: Never
  containers:
  - {name: ends, image: host, command: [sh, -c, ${JSON.stringify(script)}]}
  - {name: stays, image: host, command: [sleep, "1000"]}
`);
    const stays = await root.sh("two", "stays", "cut -d' ' -f22 /proc/1/stat");
    await crashDaemon(root);
    strictEqual((await root.pod("two")).status?.phase, "Running");
    await root.sh("two", "ends", "kill -TERM 1").catch(() => {});
    const ended = await root.until("two", (pod) => terminatedOf(pod) !== undefined);
    const seen = terminatedOf(ended)!;
    deepStrictEqual([seen.exitCode, seen.reason, seen.message], [9, "Error", "bye\n"]);
    // reading has taken nothing from the next daemon: it sees the same code, time and message
    deepStrictEqual(terminatedOf(await root.pod("two")), seen);
    strictEqual(await root.ok("logs", "two", "-c", "ends"), "ready\n");
    await root.run(["up", "-d", file]);
    const adopted = await root.until("two", (pod) => terminatedOf(pod) !== undefined);
    deepStrictEqual(terminatedOf(adopted), seen);
    deepStrictEqual(adopted.status?.containerStatuses?.map((each) => each.restartCount), [0, 0]);
    strictEqual(await root.sh("two", "stays", "cut -d' ' -f22 /proc/1/stat"), stays);
  },
);

function terminatedOf(pod: Awaited<ReturnType<TestRoot["pod"]>>) {
  return pod.status?.containerStatuses?.find(({ name }) => name === "ends")?.state?.terminated;
}
