import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Pod } from "../../schema/kubernetes/mod.ts";
import { containerPids, uidOf } from "../support/pod_processes.ts";
import { podTest } from "../support/pods.ts";

function terminated(
  pod: Pod,
  name: string,
): { exitCode?: number; reason?: string; message?: string; signal?: number } {
  const state = pod.status?.containerStatuses?.find((each) => each.name === name)?.state?.terminated;
  ok(state, `${name} has not ended: ${JSON.stringify(pod.status)}`);
  const { exitCode, reason, message, signal } = state;
  return { exitCode, ...(reason && { reason }), ...(message && { message }), ...(signal && { signal }) };
}

function allEnded(pod: Pod): boolean {
  const statuses = pod.status?.containerStatuses ?? [];
  return statuses.length > 0 && statuses.every((each) => each.state?.terminated);
}

podTest("exit codes and signals are told as they were", async (root) => {
  await root.run([
    "up",
    "-d",
    root.manifest(`
apiVersion: v1
kind: Pod
metadata: {name: ends}
spec:
  restartPolicy: Never
  containers:
  - {name: zero, image: host, command: ["true"]}
  - {name: seven, image: host, command: [sh, -c, exit 7]}
  - {name: killed, image: host, command: [sh, -c, 'sleep 1000 & exec sleep 1000']}
`),
  ]);
  const uid = await uidOf(root, "ends");
  Deno.kill(containerPids(root, uid, "killed")[0]!, "SIGKILL");
  const pod = await root.until("ends", allEnded);
  deepStrictEqual(terminated(pod, "zero"), { exitCode: 0, reason: "Completed" });
  deepStrictEqual(terminated(pod, "seven"), { exitCode: 7, reason: "Error" });
  deepStrictEqual(terminated(pod, "killed"), { exitCode: 137, reason: "Error", signal: 9 });
  strictEqual(pod.status?.phase, "Failed");
});

podTest(
  "the termination message is what the container wrote to its path, or the end of its log",
  async (root) => {
    const end = "head -c 5000 /dev/zero | tr '\\\\0' x";
    await root.run([
      "up",
      "-d",
      root.manifest(`
apiVersion: v1
kind: Pod
metadata: {name: words}
spec:
  restartPolicy: Never
  containers:
  - {name: default, image: host, command: [sh, -c, 'echo last words > /dev/termination-log']}
  - {name: custom, image: host, terminationMessagePath: /made/for/words, command: [sh, -c, 'echo elsewhere > /made/for/words']}
  - {name: long, image: host, command: [sh, -c, "${end} > /dev/termination-log"]}
  - {name: log, image: host, terminationMessagePolicy: FallbackToLogsOnError, command: [sh, -c, 'echo more; echo from the log; exit 1']}
  - {name: both, image: host, terminationMessagePolicy: FallbackToLogsOnError, command: [sh, -c, 'echo from the log; echo from the file > /dev/termination-log; exit 1']}
  - {name: fine, image: host, terminationMessagePolicy: FallbackToLogsOnError, command: [sh, -c, 'echo from the log']}
  - {name: file, image: host, command: [sh, -c, 'echo from the log; exit 1']}
`),
    ]);
    const pod = await root.until("words", allEnded);
    const message = (name: string): string | undefined => terminated(pod, name).message;
    strictEqual(message("default"), "last words\n");
    strictEqual(message("custom"), "elsewhere\n");
    strictEqual(message("long"), "x".repeat(4096));
    strictEqual(message("log"), "more\nfrom the log\n");
    strictEqual(message("both"), "from the file\n");
    strictEqual(message("fine"), undefined);
    strictEqual(message("file"), undefined);
  },
);

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Milliseconds since the machine has started. */
function uptimeMs(): number {
  return Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]) * 1000;
}

podTest("a container that ignores SIGTERM is killed when its grace is over, and not before", async (root) => {
  const path = await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: stubborn}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: times, hostPath: {path: ${root.files}}}]
  containers:
  - name: c
    image: host
    volumeMounts: [{name: times, mountPath: /times}]
    command: [sh, -c, 'trap "cat /proc/uptime > /times/term" TERM; while :; do cat /proc/uptime >> /times/now; sleep 0.01; done']
`);
  while (!exists(`${root.files}/now`)) await root.pod("stubborn");
  const askedMs = uptimeMs();
  await root.ok("down", path);
  const endedMs = uptimeMs();
  const read = (name: string): number =>
    Number(Deno.readTextFileSync(`${root.files}/${name}`).split("\n").at(-2)!.split(" ")[0]) * 1000;
  ok(read("term") >= askedMs, "it has not heard of its end");
  // the grace counts from the request
  const livedMs = read("now") - askedMs;
  ok(livedMs > 900 && livedMs < 4000, `it lived on for ${livedMs} ms`);
  ok(endedMs - read("now") < 1500);
});

podTest("a container that ends at SIGTERM ends at once, with what it says", async (root) => {
  const path = await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: polite}
spec:
  volumes: [{name: times, hostPath: {path: ${root.files}}}]
  containers:
  - {name: c, image: host, volumeMounts: [{name: times, mountPath: /times}], command: [sh, -c, 'trap "echo bye > /times/bye; exit 3" TERM; touch /times/ready; while :; do sleep 0.01; done']}
`);
  while (!exists(`${root.files}/ready`)) await root.pod("polite");
  const beforeMs = performance.now();
  await root.ok("down", path);
  ok(performance.now() - beforeMs < 5000);
  strictEqual(Deno.readTextFileSync(`${root.files}/bye`), "bye\n");
});

podTest("a pod that is active for too long is ended and says DeadlineExceeded", async (root) => {
  const manifest = root.manifest(`
apiVersion: v1
kind: Pod
metadata: {name: late}
spec:
  activeDeadlineSeconds: 1
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: host, command: [sleep, "1000"]}]
`);
  await root.run(["up", "-d", manifest]);
  const uid = await uidOf(root, "late");
  const pod = await root.until("late", (pod) => pod.status?.phase === "Failed");
  strictEqual(pod.status?.reason, "DeadlineExceeded");
  match(pod.status?.message ?? "", /longer than the specified deadline/);
  await root.until("late", allEnded);
  deepStrictEqual(containerPids(root, uid, "c"), []);
});
