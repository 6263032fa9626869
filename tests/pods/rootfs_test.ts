import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { busyboxRootfs, treeListing } from "../support/busybox_rootfs.ts";
import { podTest } from "../support/pods.ts";

podTest(
  "image host shows the machine, discards what is written, and hides what is seedpod's",
  async (root) => {
    const canary = `${root.files}/canary`;
    Deno.writeTextFileSync(canary, "untouched");
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: host}
spec:
  containers: [{name: c, image: host, command: [sleep, "1000"]}]
`);
    const before = Deno.statSync("/etc").mtime;
    const script =
      `cat ${canary}; echo changed > ${canary}; rm /etc/passwd; touch /etc/seedpod-test; cat ${canary}; ls -A ${root.path}/run ${root.path}/lib ${root.path}/log`;
    const hidden = ["lib", "log", "run"].map((name) => `${root.path}/${name}:\n`).join("\n");
    strictEqual(await root.sh("host", "c", script), `untouchedchanged\n${hidden}`);
    match(await root.sh("host", "c", `touch ${root.path}/lib/x 2>&1 || true`), /Read-only file system/);
    strictEqual(Deno.readTextFileSync(canary), "untouched");
    deepStrictEqual(Deno.statSync("/etc").mtime, before);
  },
);

podTest("a container that is restarted finds a fresh rootfs", async (root) => {
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: fresh}
spec:
  containers: [{name: c, image: host, command: [sh, -c, 'test -e /mark && echo old || echo fresh; touch /mark; test -e /again/mark && exec sleep 1000; touch /again/mark'], volumeMounts: [{name: v, mountPath: /again}]}]
  volumes: [{name: v, emptyDir: {}}]
`);
  await root.until(
    "fresh",
    (pod) =>
      pod.status?.containerStatuses?.[0]?.restartCount === 1 &&
      pod.status.containerStatuses[0].state?.running !== undefined,
  );
  strictEqual(await root.ok("logs", "fresh"), "fresh\n");
  strictEqual(await root.ok("logs", "fresh", "--previous"), "fresh\n");
});

podTest("image dir is a rootfs of its own that is never changed", async (root) => {
  const image = busyboxRootfs(`${root.files}/image`, {
    files: { "etc/motd": "hello\n", "etc/hosts": "192.0.2.1 wrong\n", "run/here": "" },
    links: { "var/run": "/run" },
  });
  const before = treeListing(image);
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: dir}
spec:
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: c, image: 'dir:${image}', command: [sleep, "1000"], workingDir: /made/dir, volumeMounts: [{name: v, mountPath: /var/run/v}]}
`);
  strictEqual(
    await root.sh(
      "dir",
      "c",
      "pwd; cat /etc/motd; cat /etc/hostname; grep -c wrong /etc/hosts; ls /run; ls /",
    ),
    "/made/dir\nhello\ndir\n0\nhere\nv\nbin\ndev\netc\nmade\nproc\nrun\nsys\nvar\n",
  );
  await root.sh(
    "dir",
    "c",
    "echo x > /etc/motd; rm -r /run/here; touch /new; rm /bin/vi; chmod 700 /etc; ln -s / /var/root; echo y > /run/v/y",
  );
  match(await root.sh("dir", "c", "cat /proc/self/mountinfo"), / \/run\/v rw,nosuid,nodev/);
  strictEqual(treeListing(image), before);
});

podTest("an image whose directories lead elsewhere redirects none of the mounts", async (root) => {
  const target = `${root.files}/target`;
  Deno.mkdirSync(target);
  const image = busyboxRootfs(`${root.files}/image`, {
    links: {
      dev: target,
      proc: target,
      sys: "/",
      etc: target,
      job: "/../../..",
      data: `/proc/self/root${target}`,
      up: "../../../../../../../..",
    },
  });
  const before = [image, target].map(treeListing);
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: hostile}
spec:
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: c, image: 'dir:${image}', command: [sleep, "1000"], workingDir: /job/made, terminationMessagePath: /up/message, volumeMounts: [{name: v, mountPath: /up/volume}]}
`);
  const places = "/ /dev /dev/pts /dev/shm /proc /sys /volume /message";
  const mounted = await root.sh(
    "hostile",
    "c",
    `for p in ${places}; do awk -v p=$p '$5 == p { print p, $0 }' /proc/self/mountinfo | sed 's/ .* - / /; s/ [^ ]* [^ ]*$//'; done; pwd; stat -c %F /dev /proc /sys /etc`,
  );
  match(
    mounted,
    /^\/ overlay\n\/dev tmpfs\n\/dev\/pts devpts\n\/dev\/shm tmpfs\n\/proc proc\n\/sys sysfs\n\/volume \S+\n\/message tmpfs\n\/made\n(directory\n){4}$/,
  );
  const said = await root.run([
    "up",
    "-d",
    root.manifest(`
apiVersion: v1
kind: Pod
metadata: {name: magic}
spec:
  restartPolicy: Never
  volumes: [{name: v, emptyDir: {}}]
  containers: [{name: c, image: 'dir:${image}', command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /data/volume}]}]
`),
  ]);
  strictEqual(said.code, 1);
  match(
    said.stderr,
    /cannot mount volume "v" on "\/data\/volume": make the mount point: Too many levels of symbolic links \(ELOOP\)/,
  );
  strictEqual(treeListing(image), before[0]);
  strictEqual(treeListing(target), before[1]);
});

podTest("an image without the command, without /etc, or that is no directory says so", async (root) => {
  const image = busyboxRootfs(`${root.files}/image`);
  Deno.removeSync(`${image}/bin/sh`);
  Deno.writeTextFileSync(`${image}/bin/script`, "#!/bin/nothing\n");
  Deno.chmodSync(`${image}/bin/script`, 0o755);
  Deno.writeTextFileSync(`${image}/bin/text`, "no program\n");
  const pod = (name: string, image: string, command: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: Never
  containers: [{name: c, image: '${image}', command: ${command}}]
`;
  const cases = [
    ["no-shell", `dir:${image}`, "[/bin/sh]", /cannot run "\/bin\/sh": No such file or directory \(ENOENT\)/],
    [
      "no-command",
      `dir:${image}`,
      "[nothing, here]",
      /cannot run "nothing" \(looked for in \/usr\/local\/sbin:.*\): No such file or directory/,
    ],
    ["no-interpreter", `dir:${image}`, "[script]", /cannot run "script".*: No such file or directory/],
    ["not-executable", `dir:${image}`, "[text]", /cannot run "text".*: Permission denied/],
    ["no-image", `dir:${image}/absent`, "[sh]", /there is no such directory/],
  ] as const;
  for (const [name, ref, command, reason] of cases) {
    const said = await root.run(["up", "-d", root.manifest(pod(name, ref, command))]);
    strictEqual(said.code, 1, name);
    match(said.stderr, reason);
  }
  const state = (await root.pod("no-shell")).status?.containerStatuses?.[0]?.state?.terminated;
  deepStrictEqual([state?.reason, state?.exitCode], ["StartError", 128]);
});
