import assert from "node:assert/strict";
import type { HostPathVolumeSource } from "../../schema/mod.ts";
import { runProgram } from "../../runner/linux/mod.ts";
import { addAttach, addFileSystem, ProgramBuilder, resultOf } from "../../runner/plan/mod.ts";
import { cString, flag, syscall } from "../../runner/sys/mod.ts";
import { MadeVolumes, modeOf, podOf, requestOf, statfs, withScratch } from "../support/volume_harness.ts";

type Type = NonNullable<HostPathVolumeSource["type"]>;

/** makedev(7, 0). */
const LOOP_0 = 7 << 8;

function make(scratch: string, path: string, type: Type): MadeVolumes {
  return new MadeVolumes(requestOf(scratch, podOf([{ name: "host", hostPath: { path, type } }])));
}

/** Makes one of each kind; gives the paths by the types that accept them. */
function makeKinds(scratch: string): { kinds: Record<string, string>; close: () => void } {
  Deno.mkdirSync(`${scratch}/directory`);
  Deno.writeTextFileSync(`${scratch}/file`, "x");
  const socket = Deno.listen({ transport: "unix", path: `${scratch}/socket` });
  const block = cString(`${scratch}/block`);
  syscall("make a block device", "mknodat", flag("AT_FDCWD"), block, flag("S_IFBLK") | 0o600, LOOP_0);
  const kinds = {
    Directory: `${scratch}/directory`,
    File: `${scratch}/file`,
    Socket: `${scratch}/socket`,
    CharDevice: "/dev/null",
    BlockDevice: `${scratch}/block`,
  };
  return { kinds, close: () => socket.close() };
}

Deno.test("addVolumes() takes a hostPath of the type that it is, and refuses every other", async () => {
  await withScratch((scratch) => {
    const { kinds, close } = makeKinds(scratch);
    const words = {
      Directory: "a directory",
      File: "a regular file",
      Socket: "a socket",
      CharDevice: "a character device",
      BlockDevice: "a block device",
    };
    for (const [type, say] of Object.entries(words)) {
      for (const [kind, path] of Object.entries(kinds)) {
        if (type === kind) make(scratch, path, type as Type)[Symbol.dispose]();
        else {
          const message = `mount volume "host": hostPath "${path}" is not ${say}`;
          assert.throws(() => make(scratch, path, type as Type), (error: Error) => {
            assert.ok(error.message.startsWith(`Cannot ${message}`), error.message);
            return true;
          });
        }
      }
    }
    close();
  });
});

Deno.test("addVolumes() makes the mount point of a hostPath a file when the path is one", async () => {
  await withScratch((scratch) => {
    Deno.writeTextFileSync(`${scratch}/file`, "x");
    for (const type of ["", "File", "FileOrCreate"] as const) {
      make(scratch, `${scratch}/file`, type)[Symbol.dispose]();
      assert.ok(Deno.lstatSync(`${scratch}/v/host`).isFile, type);
      Deno.removeSync(`${scratch}/v/host`);
    }
    make(scratch, scratch, "")[Symbol.dispose]();
    assert.ok(Deno.lstatSync(`${scratch}/v/host`).isDirectory);
  });
});

Deno.test("addVolumes() makes what the OrCreate types make, and no more", async () => {
  await withScratch((scratch) => {
    make(scratch, `${scratch}/a/b/c`, "DirectoryOrCreate")[Symbol.dispose]();
    assert.equal(modeOf(`${scratch}/a/b/c`), "40755 0:0");
    make(scratch, `${scratch}/d/e`, "")[Symbol.dispose]();
    assert.equal(modeOf(`${scratch}/d/e`), "40755 0:0");
    Deno.removeSync(`${scratch}/v/host`);
    make(scratch, `${scratch}/a/file`, "FileOrCreate")[Symbol.dispose]();
    assert.equal(modeOf(`${scratch}/a/file`), "100644 0:0");
    assert.throws(() => make(scratch, `${scratch}/none/file`, "FileOrCreate"), /make the file ".*ENOENT/);
    for (const type of ["Directory", "File", "Socket", "CharDevice", "BlockDevice"] as const) {
      assert.throws(() => make(scratch, `${scratch}/none`, type), /open hostPath ".*none".*ENOENT/);
    }
    assert.throws(() => Deno.lstatSync(`${scratch}/none`), Deno.errors.NotFound);
  });
});

Deno.test("addVolumes() follows the machine's symlinks in a hostPath, but no magic ones", async () => {
  await withScratch((scratch) => {
    Deno.mkdirSync(`${scratch}/real`);
    Deno.writeTextFileSync(`${scratch}/real/file`, "x");
    Deno.symlinkSync(`${scratch}/real`, `${scratch}/link`);
    {
      using volumes = make(scratch, `${scratch}/link`, "Directory");
      assert.equal(Deno.readTextFileSync(volumes.path("host", "file")), "x");
    }
    assert.throws(() => make(scratch, "/proc/self/root", ""), /ELOOP/);
  });
});

Deno.test("addVolumes() refuses a hostPath that is relative or goes up", async () => {
  await withScratch((scratch) => {
    assert.throws(() => make(scratch, "srv", ""), /hostPath "srv" is not an absolute path/);
    assert.throws(() => make(scratch, "/srv/../etc", ""), /contains "\.\."/);
  });
});

Deno.test("addVolumes() takes what is mounted below a hostPath with it", async () => {
  await withScratch((scratch) => {
    Deno.mkdirSync(`${scratch}/host/sub`, { recursive: true });
    const builder = new ProgramBuilder();
    const tree = addFileSystem(builder, "make", "tmpfs", [], []);
    addAttach(builder, "attach", resultOf(tree), "AT_FDCWD", `${scratch}/host/sub`);
    const results = runProgram(builder.build());
    results[Symbol.dispose]();
    try {
      Deno.writeTextFileSync(`${scratch}/host/sub/file`, "x");
      using volumes = make(scratch, `${scratch}/host`, "Directory");
      assert.equal(Deno.readTextFileSync(volumes.path("host", "sub/file")), "x");
      assert.deepEqual(statfs(volumes.path("host")).flags, []);
    } finally {
      syscall("unmount", "umount2", cString(`${scratch}/host/sub`), flag("MNT_DETACH"));
    }
  });
});
