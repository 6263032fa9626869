import { match, strictEqual } from "node:assert/strict";
import { podTest } from "../support/pods.ts";

podTest("up -d leaves two containers running that share a volume and a process namespace", async (root) => {
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  shareProcessNamespace: true
  volumes: [{name: shared, emptyDir: {}}]
  containers:
  - {name: writer, image: host, command: [sh, -c, 'echo written > /data/file; exec sleep 1000'], volumeMounts: [{name: shared, mountPath: /data}]}
  - {name: reader, image: host, command: [sleep, "1001"], volumeMounts: [{name: shared, mountPath: /data, readOnly: true}]}
`);
  strictEqual(await root.sh("two", "reader", "cat /data/file"), "written\n");
  match(await root.sh("two", "reader", "cat /proc/[0-9]*/comm"), /^infra\n(.|\n)*sleep/);
  const pod = await root.pod("two");
  strictEqual(pod.status?.phase, "Running");
  strictEqual(pod.status?.containerStatuses?.length, 2);
});
