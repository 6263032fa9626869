import assert from "node:assert/strict";
import { parseMountInfo } from "../../runner/linux/mountinfo.ts";

Deno.test("parseMountInfo() undoes the kernel's escapes and skips any number of optional fields", () => {
  const text =
    "36 35 98:0 /mnt1\\134x /a\\040b\\011c rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n" +
    "37 1 0:21 / /proc ro - proc proc rw\n";
  const [first, second] = parseMountInfo(text);
  assert.deepEqual(first, {
    id: 36,
    parentId: 35,
    device: "98:0",
    root: "/mnt1\\x",
    mountPoint: "/a b\tc",
    options: ["rw", "noatime"],
    propagation: ["master:1", "propagate_from:2"],
    fsType: "ext3",
    source: "/dev/root",
    superOptions: ["rw", "errors=continue"],
  });
  assert.deepEqual(second?.propagation, []);
  assert.equal(second?.fsType, "proc");
});

Deno.test("parseMountInfo() leaves out lines that are none", () => {
  assert.deepEqual(parseMountInfo("\nnonsense\n1 2 3\n36 35 98:0 / /x rw - ext3\n"), []);
});

Deno.test("parseMountInfo() reads this machine's own file", () => {
  const mounts = parseMountInfo(Deno.readTextFileSync("/proc/self/mountinfo"));
  assert.ok(mounts.some((mount) => mount.mountPoint === "/" && mount.id > 0));
});
