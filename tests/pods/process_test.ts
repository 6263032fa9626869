import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { containerPids, processStatus, uidOf } from "../support/pod_processes.ts";
import { podTest } from "../support/pods.ts";

/** `env` prints NAME=value lines; this makes them an object. */
function variables(text: string): Record<string, string> {
  return Object.fromEntries(
    text.trim().split("\n").map((line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}

podTest(
  "command, args, env and envFrom reach the process, expanded as Kubernetes expands them",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {COLOR: blue, 8BALL: x, SHAPE: round}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {TOKEN: hidden}
---
apiVersion: v1
kind: Pod
metadata: {name: env, labels: {app: web}, annotations: {note: hello}}
spec:
  containers:
  - name: c
    image: host
    command: [sh, -c, 'env; echo "ARGS=$0 $1 $2"; exec sleep 1000']
    args: [$(FIRST), "$$(FIRST)", $(NOWHERE)]
    workingDir: /made/for/this
    resources: {limits: {cpu: 1500m, memory: 64Mi}, requests: {memory: 32Mi}}
    envFrom:
    - {prefix: CM_, configMapRef: {name: settings}}
    - {secretRef: {name: keys}}
    - {configMapRef: {name: absent, optional: true}}
    env:
    - {name: FIRST, value: one}
    - {name: SECOND, value: $(FIRST)-$(CM_COLOR)-$(LATER)}
    - {name: LATER, value: two}
    - {name: CM_SHAPE, value: square}
    - {name: KEY, valueFrom: {configMapKeyRef: {name: settings, key: COLOR}}}
    - {name: SECRET, valueFrom: {secretKeyRef: {name: keys, key: TOKEN}}}
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: UID_OF_POD, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
    - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
    - {name: NOTE, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['note']"}}}
    - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: requests.memory, divisor: 1Mi}}}
`);
    const { PWD: pwd, ARGS: args, ...env } = variables(await root.ok("logs", "env"));
    strictEqual(pwd, "/made/for/this");
    strictEqual(args, "one $(FIRST) $(NOWHERE)");
    const { PATH: path, ...rest } = env;
    match(path!, /:\/usr\/bin:/);
    deepStrictEqual(rest, {
      HOSTNAME: "env",
      HOME: "/root",
      CM_8BALL: "x",
      CM_COLOR: "blue",
      CM_SHAPE: "square",
      TOKEN: "hidden",
      FIRST: "one",
      SECOND: "one-blue-$(LATER)",
      LATER: "two",
      KEY: "blue",
      SECRET: "hidden",
      POD: "env",
      UID_OF_POD: await uidOf(root, "env"),
      APP: "web",
      NOTE: "hello",
      CPU: "2",
      MEMORY: "32",
    });
  },
);

podTest(
  "ids and groups are those of the securityContext, and the group of the volume is the pod's",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: ids}
spec:
  securityContext: {runAsUser: 1234, runAsGroup: 2345, fsGroup: 3456, supplementalGroups: [4567, 5678], runAsNonRoot: true}
  volumes: [{name: data, emptyDir: {}}]
  containers:
  - {name: pods, image: host, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}
  - {name: own, image: host, command: [sleep, "1000"], securityContext: {runAsUser: 77, runAsGroup: 78}}
`);
    const uid = await uidOf(root, "ids");
    const pods = processStatus(containerPids(root, uid, "pods")[0]!);
    strictEqual(pods.Uid, "1234 1234 1234 1234");
    strictEqual(pods.Gid, "2345 2345 2345 2345");
    strictEqual(pods.Groups, "2345 3456 4567 5678");
    // a user other than root has no capability, however many its bounding set holds
    strictEqual(pods.CapEff, "0000000000000000");
    strictEqual(pods.CapPrm, "0000000000000000");
    const own = processStatus(containerPids(root, uid, "own")[0]!);
    strictEqual(own.Uid, "77 77 77 77");
    strictEqual(own.Groups, "78 3456 4567 5678");
    strictEqual(
      await root.sh("ids", "pods", "stat -c '%g %a' /data; echo x > /data/x; stat -c %g /data/x; id -u"),
      "3456 2777\n3456\n1234\n",
    );
  },
);

podTest(
  "supplementalGroupsPolicy Strict leaves out the groups that the rootfs gives a user",
  async (root) => {
    const member = Deno.readTextFileSync("/etc/group").split("\n").map((line) => line.split(":")).find((
      fields,
    ) => fields[3]);
    const name = member?.[3]?.split(",")[0] ?? "root";
    const passwd = Deno.readTextFileSync("/etc/passwd").split("\n").map((line) => line.split(":"));
    const user = passwd.find((fields) => fields[0] === name);
    const id = user?.[2] ?? "0";
    const policies = ["Merge", "Strict"].map((policy) => `
apiVersion: v1
kind: Pod
metadata: {name: ${policy.toLowerCase()}}
spec:
  securityContext: {runAsUser: ${id}, runAsGroup: 50000, supplementalGroupsPolicy: ${policy}}
  containers: [{name: c, image: host, command: [sleep, "1000"]}]
`);
    await root.up(policies.join("---"));
    const groups = async (pod: string): Promise<string> =>
      processStatus(containerPids(root, await uidOf(root, pod), "c")[0]!).Groups!;
    strictEqual(await groups("strict"), "50000");
    if (member && user) ok((await groups("merge")).split(" ").includes(member[2]!));
  },
);

podTest(
  "fsGroupChangePolicy OnRootMismatch leaves a volume alone whose root is right already",
  async (root) => {
    const shared = `${root.files}/shared`;
    Deno.mkdirSync(shared);
    Deno.writeTextFileSync(`${shared}/old`, "");
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: groups}
spec:
  securityContext: {fsGroup: 6000, fsGroupChangePolicy: OnRootMismatch}
  volumes: [{name: data, emptyDir: {}}]
  restartPolicy: Always
  containers: [{name: c, image: host, command: [sh, -c, 'touch /data/by-root; chgrp 0 /data/by-root; exec sleep 1000'], volumeMounts: [{name: data, mountPath: /data}]}]
`);
    strictEqual(await root.sh("groups", "c", "stat -c %g /data /data/by-root"), "6000\n0\n");
  },
);

podTest("a container that must not run as root does not, and its pod says why", async (root) => {
  const path = root.manifest(`
apiVersion: v1
kind: Pod
metadata: {name: nonroot}
spec:
  securityContext: {runAsNonRoot: true}
  containers: [{name: c, image: host, command: [sleep, "1000"]}]
`);
  const said = await root.run(["up", "-d", path]);
  strictEqual(said.code, 1);
  match(said.stderr, /runAsNonRoot: the image's user is root/);
  const pod = await root.pod("nonroot");
  strictEqual(pod.status?.containerStatuses?.[0]?.state?.waiting?.reason, "CreateContainerConfigError");
  deepStrictEqual(containerPids(root, pod.metadata!.uid!, "c"), []);
});

podTest(
  "a process starts with a clean slate: descriptors, signals, limits, umask, directory",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: slate}
spec:
  containers: [{name: c, image: host, command: [sleep, "1000"]}]
`);
    const [pid] = containerPids(root, await uidOf(root, "slate"), "c");
    const descriptors = [...Deno.readDirSync(`/proc/${pid}/fd`)].map((entry) => entry.name).sort();
    deepStrictEqual(descriptors, ["0", "1", "2"]);
    strictEqual(Deno.readLinkSync(`/proc/${pid}/fd/0`), "/dev/null");
    match(Deno.readLinkSync(`/proc/${pid}/fd/1`), /^pipe:/);
    strictEqual(Deno.readLinkSync(`/proc/${pid}/cwd`), "/");
    const status = processStatus(pid!);
    strictEqual(status.Umask, "0022");
    for (const set of ["SigBlk", "SigIgn", "CapInh", "CapAmb"]) strictEqual(status[set], "0".repeat(16), set);
    const limits = Deno.readTextFileSync(`/proc/${pid}/limits`);
    match(limits, /^Max open files +1024 +(524288|\d{4,6}) /m);
    match(limits, /^Max core file size +0 +0 /m);
    strictEqual(Deno.readTextFileSync(`/proc/${pid}/oom_score_adj`), "1000\n");
    // leader of its session, PID 1 of its namespace
    strictEqual(status.NSpid!.split(" ").at(-1), "1");
    strictEqual(status.NSsid!.split(" ").at(-1), "1");
  },
);

podTest(
  "an exec is as its container: ids, capabilities, seccomp, limits, descriptors, cgroup",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: exec}
spec:
  containers:
  - name: c
    image: host
    command: [sh, -c, 'cat /proc/self/status /proc/self/limits; exec sleep 1000']
    securityContext: {runAsUser: 1234, allowPrivilegeEscalation: false, capabilities: {drop: [CHOWN], add: [NET_RAW]}}
`);
    const script = "cat /proc/self/status /proc/self/limits";
    const wanted = /^(Uid|Gid|Groups|Umask|Sig|Cap|NoNewPrivs|Seccomp|Max )/;
    const lines = (text: string): string[] =>
      text.split("\n").filter((line) => wanted.test(line) && !line.startsWith("SigQ"));
    deepStrictEqual(lines(await root.sh("exec", "c", script)), lines(await root.ok("logs", "exec")));
    strictEqual(
      await root.sh("exec", "c", "readlink /proc/self/fd/0; echo /proc/self/fd/*; cat /proc/1/comm"),
      "/dev/null\n/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\nsleep\n",
    );
  },
);
