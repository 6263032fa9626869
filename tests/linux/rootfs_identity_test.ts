import assert from "node:assert/strict";
import { readRootfsUsers } from "../../runner/linux/rootfs_identity.ts";

interface Rootfs extends Disposable {
  readonly path: string;
  write(path: string, content: string): void;
}

function makeRootfs(): Rootfs {
  const directory = Deno.makeTempDirSync({ prefix: "seedpod-rootfs-" });
  const path = `${directory}/root`;
  Deno.mkdirSync(`${path}/etc`, { recursive: true });
  return {
    path,
    write: (name, content) => Deno.writeTextFileSync(`${path}/${name}`, content),
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
}

function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("readRootfsUsers() reads the users and groups of a rootfs, and closes what it opened", () => {
  using rootfs = makeRootfs();
  rootfs.write("etc/passwd", "a:x:1:2::/home/a:/bin/sh\n");
  rootfs.write("etc/group", "g:x:3:a\n");
  const before = openDescriptors();
  assert.deepEqual(readRootfsUsers(rootfs.path), {
    passwd: [{ name: "a", uid: 1, gid: 2, home: "/home/a" }],
    groups: [{ name: "g", gid: 3, members: ["a"] }],
  });
  assert.equal(openDescriptors(), before);
});

Deno.test("readRootfsUsers() knows the machine's own root", () => {
  const root = readRootfsUsers("/").passwd.find(({ name }) => name === "root");
  assert.equal(root?.uid, 0);
});

Deno.test("readRootfsUsers() takes missing files and directories for empty", () => {
  using rootfs = makeRootfs();
  assert.deepEqual(readRootfsUsers(rootfs.path), { passwd: [], groups: [] });
  Deno.removeSync(`${rootfs.path}/etc`);
  assert.deepEqual(readRootfsUsers(rootfs.path), { passwd: [], groups: [] });
  rootfs.write("etc", "a file");
  assert.deepEqual(readRootfsUsers(rootfs.path), { passwd: [], groups: [] });
});

Deno.test("readRootfsUsers() follows symlinks inside the rootfs only", () => {
  using rootfs = makeRootfs();
  Deno.writeTextFileSync(`${rootfs.path}/../passwd`, "outside:x:0:0::/:\n");
  rootfs.write("passwd", "inside:x:1:1::/:\n");
  for (const target of ["/passwd", "../passwd", "../../passwd"]) {
    Deno.symlinkSync(target, `${rootfs.path}/etc/passwd`);
    assert.equal(readRootfsUsers(rootfs.path).passwd[0]?.name, "inside", target);
    Deno.removeSync(`${rootfs.path}/etc/passwd`);
  }
});

Deno.test("readRootfsUsers() refuses what is no regular file, without waiting for it", () => {
  using rootfs = makeRootfs();
  new Deno.Command("mkfifo", { args: [`${rootfs.path}/etc/passwd`] }).outputSync();
  const refused = {
    fault: "user",
    message: /^Cannot read "etc\/passwd" of the rootfs "[^"]+": it is no regular file$/,
  };
  const before = openDescriptors();
  assert.throws(() => readRootfsUsers(rootfs.path), refused);
  Deno.removeSync(`${rootfs.path}/etc/passwd`);
  Deno.mkdirSync(`${rootfs.path}/etc/passwd`);
  assert.throws(() => readRootfsUsers(rootfs.path), refused);
  assert.equal(openDescriptors(), before);
});

Deno.test("readRootfsUsers() refuses a file above 1 MiB, and takes one of 1 MiB", () => {
  using rootfs = makeRootfs();
  const line = "a:x:1:1::/:\n";
  const text = line + "#".repeat(1024 * 1024 - line.length);
  rootfs.write("etc/passwd", text);
  assert.equal(readRootfsUsers(rootfs.path).passwd.length, 1);
  rootfs.write("etc/passwd", text + "#");
  assert.throws(() => readRootfsUsers(rootfs.path), {
    fault: "user",
    message: /it is larger than 1048576 bytes$/,
  });
});

Deno.test("readRootfsUsers() refuses a rootfs that is not there", () => {
  assert.throws(() => readRootfsUsers("/nowhere/at/all"), {
    message: 'Cannot open the rootfs "/nowhere/at/all": No such file or directory (ENOENT)',
  });
});
