import { deepEqual, match, ok, strictEqual } from "node:assert/strict";
import { podTest, type TestRoot } from "../support/pods.ts";

/** A pod of one container that sleeps, with these volumes and mounts (flow style). */
function pod(name: string, volumes: string, mounts: string, more = "", image = "host"): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  ${more}
  volumes: [${volumes}]
  containers:
  - {name: main, image: "${image}", command: [sleep, "1000"], volumeMounts: [${mounts}]}
`;
}

/** Options of the mount at a path, as the container's mountinfo says. */
async function mountOptions(root: TestRoot, name: string, path: string): Promise<string> {
  const line = (await root.sh(name, "main", `grep ' ${path} ' /proc/self/mountinfo`)).trimEnd().split("\n")
    .at(-1)!;
  const [own, whole] = line.split(" - ");
  return `${own!.split(" ")[5]} ${whole}`;
}

podTest(
  "an emptyDir is on disk, in memory or of huge pages, nosuid and nodev, and no larger than its limit",
  async (root) => {
    await root.up(
      pod(
        "empty",
        "{name: disk, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}, {name: bounded, emptyDir: {medium: Memory}}, {name: huge, emptyDir: {medium: HugePages-2Mi, sizeLimit: 2Mi}}",
        "{name: disk, mountPath: /disk}, {name: memory, mountPath: /memory}, {name: bounded, mountPath: /bounded}, {name: huge, mountPath: /huge}",
      ).replace(
        "command: [sleep",
        "resources: {limits: {memory: 32Mi, hugepages-2Mi: 2Mi}}, command: [sleep",
      ),
    );
    match(await mountOptions(root, "empty", "/disk"), /^rw,nosuid,nodev/);
    match(await mountOptions(root, "empty", "/memory"), /nosuid,nodev.* tmpfs .*size=1024k/);
    match(await mountOptions(root, "empty", "/bounded"), /tmpfs .*size=32768k/);
    match(
      await mountOptions(root, "empty", "/huge"),
      /nosuid,nodev.* hugetlbfs .*pagesize=2M,size=(2M|2097152)/,
    );
    strictEqual(await root.sh("empty", "main", "stat -c %a /disk /memory /huge"), "777\n777\n777\n");
    const said = await root.run(["exec", "empty", "--", "sh", "-c", "head -c 2M /dev/zero >/memory/f"]);
    match(said.stderr, /No space left/);
  },
);

podTest(
  "an emptyDir's content outlives its container's restart, and every container sees it",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: again}
spec:
  volumes: [{name: disk, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory}}]
  containers:
  - name: main
    image: host
    command: [sh, -c, 'date >>/disk/runs; date >>/memory/runs; if [ "$(wc -l </disk/runs)" = 1 ]; then exit 0; fi; exec sleep 1000']
    volumeMounts: [{name: disk, mountPath: /disk}, {name: memory, mountPath: /memory}]
  - {name: other, image: host, command: [sleep, "1000"], volumeMounts: [{name: disk, mountPath: /there}]}
`);
    await root.until("again", ({ status }) => {
      const main = status?.containerStatuses?.find((each) => each.name === "main");
      return main?.restartCount === 1 && main.state?.running !== undefined;
    });
    strictEqual(await root.sh("again", "main", "cat /disk/runs /memory/runs | wc -l"), "4\n");
    strictEqual(await root.sh("again", "other", "wc -l </there/runs"), "2\n");
  },
);

const HOST_PATHS: readonly [type: string, path: string, seen: string][] = [
  ["Directory", "directory", "directory"],
  ["DirectoryOrCreate", "made/by/us", "directory"],
  ["File", "file", "regular empty file"],
  ["FileOrCreate", "made-file", "regular empty file"],
  ["CharDevice", "/dev/null", "character special file"],
  ["Socket", "socket", "socket"],
  ['""', "nothing", "directory"],
];

podTest("a hostPath of every type is what the machine has there, or is made", async (root) => {
  const base = root.files;
  Deno.mkdirSync(`${base}/directory`);
  Deno.writeTextFileSync(`${base}/file`, "");
  using _socket = Deno.listen({ transport: "unix", path: `${base}/socket` });
  const path = (each: string) => each.startsWith("/") ? each : `${base}/${each}`;
  const volumes = HOST_PATHS.map(([type, at], i) =>
    `{name: v${i}, hostPath: {path: ${path(at)}, type: ${type}}}`
  );
  const mounts = HOST_PATHS.map((_, i) => `{name: v${i}, mountPath: /v${i}}`);
  await root.up(pod("host", volumes.join(", "), mounts.join(", ")));
  const points = HOST_PATHS.map((_, i) => `/v${i}`).join(" ");
  deepEqual(
    (await root.sh("host", "main", `stat -c %F ${points}`)).trim().split("\n"),
    HOST_PATHS.map(([, , seen]) => seen),
  );
  ok(Deno.statSync(`${base}/made/by/us`).isDirectory && Deno.statSync(`${base}/made-file`).isFile);
});

const REFUSED: readonly [type: string, path: string, words: RegExp][] = [
  ["Directory", "missing", /open hostPath ".*missing": No such file/],
  ["Directory", "file", /hostPath ".*file" is not a directory/],
  ["File", "directory", /hostPath ".*directory" is not a regular file/],
  ["FileOrCreate", "missing/file", /No such file/],
  ["Socket", "file", /is not a socket/],
  ["CharDevice", "file", /is not a character device/],
  ["BlockDevice", "file", /is not a block device/],
];

podTest(
  "a hostPath that is not of its type says what is wrong, and no container is started",
  async (root) => {
    Deno.mkdirSync(`${root.files}/directory`);
    Deno.writeTextFileSync(`${root.files}/file`, "");
    const manifests = REFUSED.map(([type, path], i) =>
      pod(
        `refused-${i}`,
        `{name: v, hostPath: {path: ${root.files}/${path}, type: ${type}}}`,
        "{name: v, mountPath: /v}",
      )
    );
    for (const [index, [, , words]] of REFUSED.entries()) {
      const said = await root.run(["up", "-d", root.manifest(manifests[index]!)]);
      strictEqual(said.code, 1);
      match(said.stderr, words);
      const { status } = await root.pod(`refused-${index}`);
      strictEqual(status?.phase, "Pending");
      strictEqual(status.containerStatuses?.[0]?.state?.running, undefined);
    }
  },
);

const CONFIG = `
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
immutable: true
data: {plain: text, other: more}
binaryData: {binary: /wA=}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {token: s3cret}
---`;

podTest(
  "configMaps and secrets are read-only files with their modes, items, group and keys",
  async (root) => {
    await root.up(
      CONFIG + pod(
        "config",
        "{name: all, configMap: {name: config}}, " +
          "{name: some, configMap: {name: config, defaultMode: 0400, items: [{key: plain, path: a/b/c}, {key: other, path: o, mode: 0500}]}}, " +
          "{name: none, configMap: {name: absent, optional: true}}, " +
          "{name: keys, secret: {secretName: keys, defaultMode: 0400}}",
        "{name: all, mountPath: /all}, {name: some, mountPath: /some}, {name: none, mountPath: /none}, {name: keys, mountPath: /keys}",
        "securityContext: {fsGroup: 2345}",
      ),
    );
    strictEqual(await root.sh("config", "main", "cat /all/plain /some/a/b/c /keys/token"), "texttexts3cret");
    strictEqual(await root.sh("config", "main", "od -An -tx1 /all/binary"), " ff 00\n");
    // an fsGroup may read what its owner may
    strictEqual(
      await root.sh("config", "main", "stat -Lc '%a %g' /all/plain /some/a/b/c /some/o /keys/token"),
      "644 2345\n440 2345\n540 2345\n440 2345\n",
    );
    strictEqual(await root.sh("config", "main", "ls /none; readlink /all/plain"), "..data/plain\n");
    match(await mountOptions(root, "config", "/keys"), /^ro,nosuid,nodev,noexec/);
    const said = await root.run(["exec", "config", "--", "sh", "-c", "echo x >/all/plain"]);
    match(said.stderr, /Read-only file system/);
  },
);

podTest(
  "a mount is read-only where it says so, with all that is mounted below it only where it says that",
  async (root) => {
    const below = `${root.files}/tree`;
    Deno.mkdirSync(`${below}/mounted`, { recursive: true });
    const mount = (...args: string[]) => new Deno.Command(args[0]!, { args: args.slice(1) }).output();
    await mount("mount", "-t", "tmpfs", "below", `${below}/mounted`);
    try {
      await root.up(
        pod(
          "readonly",
          `{name: tree, hostPath: {path: ${below}}}`,
          "{name: tree, mountPath: /plain, readOnly: true}, " +
            "{name: tree, mountPath: /deep, readOnly: true, recursiveReadOnly: Enabled}",
        ),
      );
      const write = (path: string) =>
        root.run(["exec", "readonly", "--", "sh", "-c", `echo x >${path} && echo written`]);
      match((await write("/plain/f")).stderr, /Read-only/);
      strictEqual((await write("/plain/mounted/f")).stdout, "written\n");
      match((await write("/deep/mounted/f")).stderr, /Read-only/);
    } finally {
      await mount("umount", "--lazy", `${below}/mounted`);
    }
  },
);

podTest(
  "subPath and subPathExpr show a part of a volume, made where it is missing, and nested mounts nest",
  async (root) => {
    Deno.mkdirSync(`${root.files}/tree/directory`, { recursive: true });
    Deno.writeTextFileSync(`${root.files}/tree/directory/file`, "inside");
    await root.up(
      pod(
        "parts",
        `{name: tree, hostPath: {path: ${root.files}/tree}}, {name: data, emptyDir: {}}`,
        "{name: tree, mountPath: /d, subPath: directory}, {name: tree, mountPath: /f, subPath: directory/file}, " +
          "{name: data, mountPath: /new, subPath: logs/today}, {name: data, mountPath: /mine, subPathExpr: of-$(POD)}, " +
          "{name: data, mountPath: /outer}, {name: tree, mountPath: /outer/inner}",
      ).replace(
        "command: [sleep",
        "env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}], command: [sleep",
      ),
    );
    strictEqual(await root.sh("parts", "main", "cat /d/file /f"), "insideinside");
    await root.sh("parts", "main", "touch /new/a /mine/b");
    strictEqual(
      await root.sh("parts", "main", "cd /outer; ls -d logs/today/a of-parts/b inner/directory"),
      "inner/directory\nlogs/today/a\nof-parts/b\n",
    );
  },
);

podTest(
  "mounts made on the machine appear in a HostToContainer mount, those made in a Bidirectional one on the machine",
  async (root) => {
    const run = async (...args: string[]) => {
      const { success, stderr } = await new Deno.Command(args[0]!, { args: args.slice(1) }).output();
      ok(success, new TextDecoder().decode(stderr));
    };
    const shared = `${root.files}/shared`;
    Deno.mkdirSync(`${shared}/host`, { recursive: true });
    Deno.mkdirSync(`${shared}/pod`);
    await run("mount", "-t", "tmpfs", "shared", shared);
    try {
      await run("mount", "--make-shared", shared);
      Deno.mkdirSync(`${shared}/host`);
      Deno.mkdirSync(`${shared}/pod`);
      const volume = `{name: v, hostPath: {path: ${shared}}}`;
      const both = pod("both", volume, "{name: v, mountPath: /v, mountPropagation: Bidirectional}")
        .replace("command: [sleep", "securityContext: {privileged: true}, command: [sleep");
      const slave = pod(
        "slave",
        volume,
        "{name: v, mountPath: /v, mountPropagation: HostToContainer}, {name: v, mountPath: /none}",
      );
      await root.up(`${both}---${slave}`);
      await run("mount", "-t", "tmpfs", "fromhost", `${shared}/host`);
      Deno.writeTextFileSync(`${shared}/host/file`, "");
      strictEqual(await root.sh("slave", "main", "ls /v/host /none/host"), "/none/host:\n\n/v/host:\nfile\n");
      await root.sh("both", "main", "mount -t tmpfs frompod /v/pod && touch /v/pod/file");
      ok(Deno.statSync(`${shared}/pod/file`).isFile, "the machine sees the mount");
      strictEqual(await root.sh("slave", "main", "ls /v/pod"), "file\n");
      await root.ok("down", "--all", "--grace-period", "0");
      // as with every container runtime the mount is the container's gift to the machine, which keeps it
      ok(Deno.statSync(`${shared}/pod/file`).isFile);
    } finally {
      await run("umount", "--recursive", shared);
    }
  },
);

podTest(
  "a volume goes where the image's symlinks lead inside the image, and a planted one never leads out",
  async (root) => {
    const secret = `${root.files}/secret`;
    Deno.mkdirSync(secret);
    Deno.mkdirSync(`${root.files}/data`);
    // the machine's /var/run is a symlink to /run
    await root.up(
      pod("links", "{name: v, emptyDir: {}}", "{name: v, mountPath: /var/run/volume}"),
    );
    match(await mountOptions(root, "links", "/run/volume"), /nosuid,nodev/);
    Deno.symlinkSync(secret, `${root.files}/data/out`);
    const planted = root.manifest(
      pod(
        "planted",
        `{name: v, hostPath: {path: ${root.files}/data}}`,
        "{name: v, mountPath: /v, subPath: out}",
      ),
    );
    const said = await root.run(["up", "-d", planted]);
    strictEqual(said.code, 1);
    match(said.stderr, /find subPath "out"/);
  },
);
