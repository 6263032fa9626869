import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { busyboxRootfs, treeListing } from "../support/busybox_rootfs.ts";
import { holdersOf, mayLowerOomScore, namespacesOf, podPids, processGone } from "../support/ns_kernel.ts";
import { containerPids, processStatus, uidOf } from "../support/pod_processes.ts";
import { podTest } from "../support/pods.ts";

const IDS = 65_536;
const host = namespacesOf(Deno.pid);

/** The machine's id of a process's user. */
function machineUid(pid: number): number {
  return Number(processStatus(pid).Uid!.split(" ")[0]);
}

/** `uid:gid` of a path on the machine. */
function ownerOf(path: string): string {
  const { uid, gid } = Deno.lstatSync(path);
  return `${uid}:${gid}`;
}

podTest(
  "hostUsers: false makes the pod's root nobody on the machine, and no pod's ids another's",
  async (root) => {
    const pod = (name: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  hostUsers: false
  containers:
  - {name: a, image: host, command: [sleep, "1000"]}
  - {name: b, image: host, command: [sleep, "1000"], securityContext: {runAsUser: 1000, runAsGroup: 2000}}
`;
    await root.up(`${pod("one")}---${pod("two")}`);
    const [infra, a, b] = await podPids(root, "one", "a", "b");
    const [other] = await podPids(root, "two");
    const first = machineUid(infra);
    ok(first >= 100_000, `the pod's root is the machine's ${first}`);
    ok(Math.abs(machineUid(other) - first) >= IDS, "the ids of two pods overlap");
    strictEqual(processStatus(a!).Uid, `${first} ${first} ${first} ${first}`);
    strictEqual(machineUid(b!), first + 1000);
    strictEqual(processStatus(b!).Gid!.split(" ")[0], String(first + 2000));
    for (const map of ["uid_map", "gid_map"]) {
      const lines = Deno.readTextFileSync(`/proc/${a}/${map}`).trim().split(/\s+/).map(Number);
      deepStrictEqual(lines, [0, first, IDS]);
    }
    const user = namespacesOf(infra).user;
    notStrictEqual(user, host.user);
    notStrictEqual(user, namespacesOf(other).user);
    deepStrictEqual([a!, b!].map((pid) => namespacesOf(pid).user), [user, user]);
    for (const pid of [infra, a!]) strictEqual(Deno.readTextFileSync(`/proc/${pid}/oom_score_adj`), "1000\n");
    // once the machine has set a lowest score, no root of a user namespace goes below
    const lowered = "echo 999 2> /dev/null > /proc/$$/oom_score_adj; cat /proc/$$/oom_score_adj";
    strictEqual(await root.sh("one", "a", lowered), mayLowerOomScore() ? "1000\n" : "999\n");
    strictEqual(
      await root.sh("one", "a", "id -u; cat /proc/sys/net/ipv4/ping_group_range; ls /sys/class/net"),
      "0\n0\t65535\nlo\n",
    );
    await root.ok("down", "--all", "--grace-period", "0");
    deepStrictEqual(holdersOf([user]), []);
  },
);

podTest(
  "under hostUsers: false image host shows what everybody may read, and the upper layer is the pod's",
  async (root) => {
    Deno.writeTextFileSync(`${root.files}/secret`, "hidden");
    Deno.chmodSync(`${root.files}/secret`, 0o600);
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  hostUsers: false
  shareProcessNamespace: true
  containers:
  - name: a
    image: host
    tty: true
    command: [sh, -c, 'stat -c %u:%g $(tty); exec sleep 1000']
`);
    match(await root.ok("logs", "one"), /^0:5\r?\n/);
    const script = `
    cat /etc/shadow 2> /dev/null && echo shadow; cat /etc/passwd > /dev/null && echo passwd
    chown 1:1 /etc/passwd 2> /dev/null && echo chown
    mkdir /made /etc/made && touch /tmp/file && stat -c %u:%g /made /etc/made /tmp/file /etc/hosts / /dev /dev/shm
    mount -t tmpfs none /mnt 2> /dev/null && echo mounted
    echo > /dev/null && echo null`;
    strictEqual(await root.sh("one", "a", script), `passwd\n${"0:0\n".repeat(7)}null\n`);
    const uid = await uidOf(root, "one");
    const [infra] = await podPids(root, "one");
    const first = machineUid(infra);
    const upper = `${root.path}/lib/pods/${uid}/containers/a/0/upper`;
    for (const path of ["", "/etc", "/etc/hosts", "/made", "/tmp/file"]) {
      strictEqual(ownerOf(upper + path), `${first}:${first}`, path);
    }
  },
);

podTest("under hostUsers: false a dir: image keeps its owners, and is never changed", async (root) => {
  const image = busyboxRootfs(`${root.files}/image`, { files: { "home/own": "own\n", "root/key": "key\n" } });
  for (const [path, id, mode] of [["home/own", 1000, 0o600], ["root/key", 0, 0o600]] as const) {
    Deno.chownSync(`${image}/${path}`, id, id);
    Deno.chmodSync(`${image}/${path}`, mode);
  }
  const before = treeListing(image);
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  hostUsers: false
  containers:
  - {name: a, image: "dir:${image}", command: [sleep, "1000"]}
`);
  const script = `
    stat -c %u:%g /home/own /root/key; cat /home/own /root/key
    echo more >> /home/own && echo more >> /root/key && chown 7:7 /root/key && stat -c %u:%g /home/own /root/key`;
  strictEqual(await root.sh("one", "a", script), "1000:1000\n0:0\nown\nkey\n1000:1000\n7:7\n");
  strictEqual(treeListing(image), before);
});

podTest(
  "under hostUsers: false volumes belong on disk to the ids that the pod sees, by fsGroup too",
  async (root) => {
    const shared = `${root.files}/shared`;
    Deno.mkdirSync(shared);
    Deno.chmodSync(shared, 0o777);
    Deno.writeTextFileSync(`${shared}/theirs`, "theirs\n", { mode: 0o600 });
    Deno.chownSync(`${shared}/theirs`, 1000, 1000);
    await root.up(`
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {token: hidden}
---
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  hostUsers: false
  securityContext: {fsGroup: 3000}
  volumes:
  - {name: disk, emptyDir: {}}
  - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
  - {name: host, hostPath: {path: ${shared}}}
  - {name: settings, configMap: {name: settings}}
  - {name: keys, secret: {secretName: keys, defaultMode: 0400}}
  containers:
  - &container
    name: a
    image: host
    command: [sleep, "1000"]
    volumeMounts:
    - {name: disk, mountPath: /v/disk}
    - {name: memory, mountPath: /v/memory}
    - {name: host, mountPath: /v/host}
    - {name: settings, mountPath: /v/settings}
    - {name: keys, mountPath: /v/keys}
  - <<: *container
    name: b
    securityContext: {runAsUser: 1000, runAsGroup: 1000}
`);
    const write = (name: string) =>
      `cd /v; touch disk/${name} memory/${name} host/${name}; stat -c %u:%g */${name}`;
    strictEqual(await root.sh("one", "a", write("a")), "0:3000\n0:0\n0:3000\n");
    strictEqual(await root.sh("one", "b", write("b")), "1000:3000\n1000:1000\n1000:3000\n");
    const read =
      "cd /v; cat host/theirs settings/color keys/token; stat -Lc %u:%g:%a settings/color keys/token";
    strictEqual(await root.sh("one", "b", read), "theirs\nbluehidden0:3000:644\n0:3000:440\n");
    const disk = `${root.path}/lib/pods/${await uidOf(root, "one")}/volumes/empty-dir/disk`;
    deepStrictEqual([`${disk}/a`, `${disk}/b`, `${shared}/a`, `${shared}/b`].map(ownerOf), [
      "0:3000",
      "1000:3000",
      "0:0",
      "1000:1000",
    ]);
  },
);

podTest("under hostUsers: false a container that ends is started again with the same ids", async (root) => {
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  hostUsers: false
  containers:
  - {name: a, image: host, command: [sleep, "1000"]}
`);
  const uid = await uidOf(root, "one");
  const [infra, a] = await podPids(root, "one", "a");
  Deno.kill(a!, "SIGKILL");
  await processGone(a!);
  await root.until("one", (pod) => {
    const status = pod.status?.containerStatuses?.[0];
    return status?.restartCount === 1 && status.state?.running !== undefined;
  });
  const [again] = containerPids(root, uid, "a", 1);
  strictEqual(namespacesOf(again!).user, namespacesOf(infra).user);
  strictEqual(machineUid(again!), machineUid(infra));
  strictEqual(await root.sh("one", "a", "id -u"), "0\n");
});
