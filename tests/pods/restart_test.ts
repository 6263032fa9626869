import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ContainerStatus, Pod } from "../../schema/kubernetes/mod.ts";
import { podTest } from "../support/pods.ts";

function statusOf(pod: Pod, name: string): ContainerStatus {
  const status = [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []].find((
    each,
  ) => each.name === name);
  ok(status, `no status of ${name}`);
  return status;
}

const counting = (code: number): string =>
  `[sh, -c, 'echo start >> /count/n; test $(wc -l < /count/n) -ge 2 && test ${code} = 9 && exec sleep 1000; exit ${
    code === 9 ? 1 : code
  }']`;

function pod(name: string, policy: string, command: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: ${policy}
  volumes: [{name: count, emptyDir: {}}]
  containers: [{name: c, image: host, command: ${command}, volumeMounts: [{name: count, mountPath: /count}]}]
`;
}

podTest("restartPolicy decides which ends are followed by another start", async (root) => {
  const manifests = [
    pod("always", "Always", counting(9)),
    pod("on-failure", "OnFailure", counting(9)),
    pod("on-success", "OnFailure", counting(0)),
    pod("never", "Never", counting(3)),
  ];
  await root.run(["up", "-d", root.manifest(manifests.join("---"))]);
  for (const name of ["always", "on-failure"]) {
    const status = statusOf(
      await root.until(
        name,
        (pod) => statusOf(pod, "c").state?.running !== undefined && statusOf(pod, "c").restartCount === 1,
      ),
      "c",
    );
    strictEqual(status.lastState?.terminated?.exitCode, 1, name);
    strictEqual(status.lastState?.terminated?.reason, "Error", name);
    match(status.containerID ?? "", /\/c\/1$/);
    match(status.lastState?.terminated?.containerID ?? "", /\/c\/0$/);
  }
  const success = await root.until("on-success", (pod) => pod.status?.phase === "Succeeded");
  deepStrictEqual([statusOf(success, "c").restartCount, statusOf(success, "c").state?.terminated?.reason], [
    0,
    "Completed",
  ]);
  const failure = await root.until("never", (pod) => pod.status?.phase === "Failed");
  deepStrictEqual([statusOf(failure, "c").restartCount, statusOf(failure, "c").state?.terminated?.exitCode], [
    0,
    3,
  ]);
});

podTest("a container that ends again and again waits in CrashLoopBackOff", async (root) => {
  await root.run(["up", "-d", root.manifest(pod("loop", "Always", "[sh, -c, exit 5]"))]);
  const looping = await root.until(
    "loop",
    (pod) => statusOf(pod, "c").state?.waiting?.reason === "CrashLoopBackOff",
  );
  const status = statusOf(looping, "c");
  strictEqual(status.lastState?.terminated?.exitCode, 5);
  match(status.state?.waiting?.message ?? "", /back-off 10s restarting failed container=c pod=loop/);
  strictEqual(status.restartCount, 1);
  strictEqual(looping.status?.phase, "Running");
});

podTest("a command that is not there is a StartError with the command's name", async (root) => {
  const said = await root.run(["up", "-d", root.manifest(pod("missing", "Never", "[no-such-command]"))]);
  strictEqual(said.code, 1);
  match(
    said.stderr,
    /cannot run "no-such-command" \(looked for in .*\): No such file or directory \(ENOENT\)/,
  );
  const end = statusOf(await root.pod("missing"), "c").state?.terminated;
  deepStrictEqual([end?.reason, end?.exitCode], ["StartError", 128]);
});

podTest(
  "init containers run one after the other before the others, and again when they fail",
  async (root) => {
    const manifest = root.manifest(`
apiVersion: v1
kind: Pod
metadata: {name: init}
spec:
  volumes: [{name: v, emptyDir: {}}]
  initContainers:
  - {name: first, image: host, command: [sh, -c, 'sleep 0.1; echo first >> /v/order; test $(wc -l < /v/order) -ge 2'], volumeMounts: [{name: v, mountPath: /v}]}
  - {name: second, image: host, command: [sh, -c, 'echo second >> /v/order'], volumeMounts: [{name: v, mountPath: /v}]}
  containers:
  - {name: main, image: host, command: [sh, -c, 'echo main >> /v/order; exec sleep 1000'], volumeMounts: [{name: v, mountPath: /v}]}
`);
    await root.run(["up", "-d", manifest]);
    const init = await root.until("init", (pod) => statusOf(pod, "main").state?.running !== undefined);
    strictEqual(
      await root.sh("init", "main", "until grep -q main /v/order; do :; done; cat /v/order"),
      "first\nfirst\nsecond\nmain\n",
    );
    deepStrictEqual(
      init.status?.initContainerStatuses?.map((each) => [each.name, each.restartCount, each.ready]),
      [["first", 1, true], ["second", 0, true]],
    );
  },
);

podTest("an init container that fails for good keeps the others from starting", async (root) => {
  const said = await root.run([
    "up",
    "-d",
    root.manifest(`
apiVersion: v1
kind: Pod
metadata: {name: stuck}
spec:
  restartPolicy: Never
  initContainers: [{name: fails, image: host, command: [sh, -c, exit 4]}]
  containers: [{name: main, image: host, command: [sleep, "1000"]}]
`),
  ]);
  strictEqual(said.code, 1);
  const stuck = await root.until("stuck", (pod) => pod.status?.phase === "Failed");
  strictEqual(statusOf(stuck, "main").state?.waiting?.reason, "PodInitializing");
});

podTest("a sidecar starts before the others and is stopped after them", async (root) => {
  const path = await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: sidecar}
spec:
  volumes: [{name: v, hostPath: {path: ${root.files}}}]
  initContainers:
  - {name: side, image: host, restartPolicy: Always, command: [sh, -c, 'echo side >> /v/order; trap "echo side ends >> /v/order; exit" TERM; while :; do sleep 0.01; done'], volumeMounts: [{name: v, mountPath: /v}]}
  - {name: init, image: host, command: [sh, -c, 'until grep -q side /v/order; do :; done; echo init >> /v/order'], volumeMounts: [{name: v, mountPath: /v}]}
  containers:
  - {name: main, image: host, command: [sh, -c, 'trap "sleep 0.2; echo main ends >> /v/order; exit" TERM; echo main >> /v/order; while :; do sleep 0.01; done'], volumeMounts: [{name: v, mountPath: /v}]}
`);
  while (!Deno.readTextFileSync(`${root.files}/order`).includes("main")) await root.pod("sidecar");
  await root.ok("down", path);
  strictEqual(Deno.readTextFileSync(`${root.files}/order`), "side\ninit\nmain\nmain ends\nside ends\n");
});

podTest("a pod whose work is done stops its sidecar and has succeeded", async (root) => {
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: job}
spec:
  restartPolicy: Never
  initContainers: [{name: side, image: host, restartPolicy: Always, command: [sh, -c, 'trap exit TERM; while :; do sleep 0.01; done']}]
  containers: [{name: main, image: host, command: ["true"]}]
`);
  const done = await root.until("job", (pod) => pod.status?.phase === "Succeeded");
  ok(statusOf(done, "side").state?.terminated);
});
