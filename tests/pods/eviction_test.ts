import { deepEqual, match, strictEqual } from "node:assert/strict";
import type { Pod } from "../../schema/kubernetes/mod.ts";
import { podTest } from "../support/pods.ts";

/** Disk use is looked at every ten seconds, so all ways to be evicted wait for one look together. */
const MANIFEST = `
apiVersion: v1
kind: Pod
metadata: {name: container}
spec:
  containers:
  - name: main
    image: host
    command: [sh, -c, 'echo before; head -c 3M /dev/urandom >/written; exec sleep 1000']
    resources: {limits: {ephemeral-storage: 1Mi}}
  - {name: beside, image: host, command: [sleep, "1000"]}
---
apiVersion: v1
kind: Pod
metadata: {name: volume}
spec:
  volumes: [{name: data, emptyDir: {sizeLimit: 1Mi}}]
  containers:
  - name: main
    image: host
    command: [sh, -c, 'head -c 3M /dev/urandom >/data/written; exec sleep 1000']
    volumeMounts: [{name: data, mountPath: /data}]
---
apiVersion: v1
kind: Pod
metadata: {name: whole}
spec:
  volumes: [{name: data, emptyDir: {}}]
  containers:
  - name: main
    image: host
    command: [sh, -c, 'head -c 3M /dev/urandom >/data/written; exec sleep 1000']
    volumeMounts: [{name: data, mountPath: /data}]
    resources: {limits: {ephemeral-storage: 1Mi}}
  - {name: beside, image: host, command: [sleep, "1000"], resources: {limits: {ephemeral-storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: within}
spec:
  volumes: [{name: data, emptyDir: {sizeLimit: 8Mi}}]
  containers:
  - name: main
    image: host
    command: [sh, -c, 'head -c 3M /dev/urandom >/data/written; exec sleep 1000']
    volumeMounts: [{name: data, mountPath: /data}]
    resources: {limits: {ephemeral-storage: 8Mi}}
`;

function evictionOf({ status }: Pod): (string | undefined)[] {
  return [status?.phase, status?.reason, status?.message];
}

podTest(
  "a pod over a limit on what it writes is evicted; its object and logs stay until down",
  async (root) => {
    await root.run(["up", "-d", root.manifest(MANIFEST)]);
    const ended = ({ status }: Pod) =>
      status?.phase === "Failed" && (status.containerStatuses ?? []).every((each) => each.state?.terminated);
    const container = await root.until("container", ended, 40_000);
    const volume = await root.until("volume", ended, 40_000);
    const whole = await root.until("whole", ended, 40_000);
    deepEqual(evictionOf(container), [
      "Failed",
      "Evicted",
      'Container main exceeded its local ephemeral storage limit "1Mi". ',
    ]);
    deepEqual(evictionOf(volume), [
      "Failed",
      "Evicted",
      'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ',
    ]);
    deepEqual(evictionOf(whole), [
      "Failed",
      "Evicted",
      "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ",
    ]);
    strictEqual((await root.pod("within")).status?.phase, "Running");
    const codes = container.status?.containerStatuses?.map((each) => each.state?.terminated?.exitCode);
    deepEqual(codes, [137, 137]);
    match(await root.ok("logs", "container", "-c", "main"), /^before\n$/);
  },
);
