import assert from "node:assert/strict";
import type { Volume, VolumeMount } from "../../schema/mod.ts";
import { parseMountInfo, runProgram } from "../../runner/linux/mod.ts";
import {
  addAttach,
  addFileSystem,
  addMountAttributes,
  call,
  ProgramBuilder,
  resultOf,
  text,
} from "../../runner/plan/mod.ts";
import { cString, flag, syscall } from "../../runner/sys/mod.ts";
import type { VolumesRequest } from "../../runner/volume/mod.ts";
import {
  modeOf,
  MountedContainer,
  openUserNamespace,
  podOf,
  requestOf,
  statfs,
  withScratch,
} from "../support/volume_harness.ts";

const DATA: Volume = { name: "data", emptyDir: {} };
const CONFIG: Volume = { name: "config", configMap: { name: "web" } };

function request(scratch: string, volumes: Volume[], volumeMounts: VolumeMount[]): VolumesRequest {
  const pod = podOf(volumes, { containers: [{ name: "main", image: "host", volumeMounts }] });
  const configMaps: VolumesRequest["configMaps"] = new Map([
    ["web", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, data: { "app.conf": "x" } }],
  ]);
  return requestOf(scratch, pod, { configMaps });
}

/** What a container would have put into its emptyDir. */
function inData(scratch: string, ...path: string[]): string {
  const directory = `${scratch}/pod/volumes/empty-dir/data`;
  Deno.mkdirSync(directory, { recursive: true });
  return [directory, ...path].join("/");
}

Deno.test("addVolumeMounts() makes missing mount points, files for files, and mounts parents first", async () => {
  await withScratch((scratch) => {
    Deno.writeTextFileSync(`${scratch}/file`, "hello");
    const host: Volume = { name: "host", hostPath: { path: `${scratch}/file`, type: "" } };
    using container = new MountedContainer(
      scratch,
      request(scratch, [DATA, CONFIG, host], [
        { name: "config", mountPath: "/srv/data/etc/" },
        { name: "host", mountPath: "/var/lib/one" },
        { name: "data", mountPath: "/srv/data" },
      ]),
    );
    assert.equal(Deno.readTextFileSync(container.path("/srv/data/etc/app.conf")), "x");
    assert.equal(Deno.readTextFileSync(container.path("/var/lib/one")), "hello");
    assert.equal(modeOf(`${scratch}/rootfs/srv/data`), "40755 0:0");
    assert.equal(modeOf(`${scratch}/rootfs/var/lib/one`), "100644 0:0");
    assert.equal(modeOf(inData(scratch, "etc")), "40755 0:0");
    assert.equal(container.propagation("/srv/data"), "");
  });
});

Deno.test("addVolumeMounts() keeps a mountPath through symlinks of the image inside the root", async () => {
  await withScratch((scratch) => {
    Deno.mkdirSync(`${scratch}/rootfs/run`);
    Deno.mkdirSync(`${scratch}/rootfs/var`);
    Deno.mkdirSync(`${scratch}/outside`);
    Deno.symlinkSync("/run", `${scratch}/rootfs/var/run`);
    Deno.mkdirSync(`${scratch}/rootfs${scratch}/outside`, { recursive: true });
    Deno.symlinkSync(`${scratch}/outside`, `${scratch}/rootfs/absolute`);
    Deno.symlinkSync("../../../../../../../../etc", `${scratch}/rootfs/upward`);
    Deno.mkdirSync(`${scratch}/rootfs/etc`);
    using container = new MountedContainer(
      scratch,
      request(scratch, [DATA, CONFIG], [
        { name: "data", mountPath: "/var/run/app/new" },
        { name: "config", mountPath: "/absolute/deep" },
        { name: "config", mountPath: "/upward/seedpod-test" },
      ]),
    );
    assert.equal(container.propagation("/run/app/new"), "");
    assert.equal(Deno.readTextFileSync(container.path(`${scratch}/outside/deep/app.conf`)), "x");
    assert.equal(Deno.readTextFileSync(container.path("/etc/seedpod-test/app.conf")), "x");
    assert.deepEqual([...Deno.readDirSync(`${scratch}/outside`)], []);
    assert.throws(() => Deno.lstatSync("/etc/seedpod-test"), Deno.errors.NotFound);
  });
});

Deno.test("addVolumeMounts() refuses a mountPath through a symlink that leads out of an earlier volume", async () => {
  await withScratch((scratch) => {
    Deno.mkdirSync(`${scratch}/rootfs/etc`);
    for (const target of ["/etc", "../etc", "/proc"]) {
      const link = inData(scratch, "x");
      Deno.symlinkSync(target, link);
      for (const mountPath of ["/data/x", "/data/x/new"]) {
        const mounts = [{ name: "data", mountPath: "/data" }, { name: "config", mountPath }];
        assert.throws(
          () => new MountedContainer(scratch, request(scratch, [DATA, CONFIG], mounts)),
          /on "\/data\/x.*make the mount point: errno 18$/,
        );
      }
      Deno.removeSync(link);
      assert.deepEqual([...Deno.readDirSync(`${scratch}/rootfs/etc`)], []);
    }
  });
});

Deno.test("addVolumeMounts() refuses a subPath that a container has turned into a symlink out of the volume", async () => {
  await withScratch((scratch) => {
    for (const target of ["/etc", "../../../..", "inner/../../x", "/proc/self/root"]) {
      const link = inData(scratch, "x");
      Deno.symlinkSync(target, link);
      for (const subPath of ["x", "x/new", "./x"]) {
        const mounts = [{ name: "data", mountPath: "/data", subPath }];
        assert.throws(
          () => new MountedContainer(scratch, request(scratch, [DATA], mounts))[Symbol.dispose](),
          /find subPath ".*": errno (18|2|40)$/,
          `${subPath} of ${target}`,
        );
      }
      Deno.removeSync(link);
      assert.deepEqual([...Deno.readDirSync(inData(scratch))], [], target);
    }
  });
});

Deno.test("addVolumeMounts() follows a symlink that stays in the volume, and mounts single files", async () => {
  await withScratch((scratch) => {
    Deno.mkdirSync(inData(scratch, "real"));
    Deno.writeTextFileSync(inData(scratch, "real", "file"), "hello");
    Deno.symlinkSync("real", inData(scratch, "link"));
    using container = new MountedContainer(
      scratch,
      request(scratch, [DATA, CONFIG], [
        { name: "data", mountPath: "/one", subPath: "link/file" },
        { name: "config", mountPath: "/etc/app.conf", subPath: "app.conf" },
      ]),
    );
    assert.equal(Deno.readTextFileSync(container.path("/one")), "hello");
    assert.equal(Deno.readTextFileSync(container.path("/etc/app.conf")), "x");
    assert.ok(statfs(container.path("/etc/app.conf")).flags.includes("ro"));
  });
});

Deno.test("addVolumeMounts() makes the missing directories of a subPath as wide as the volume", async () => {
  await withScratch((scratch) => {
    Deno.mkdirSync(`${scratch}/host`);
    const host: Volume = { name: "host", hostPath: { path: `${scratch}/host` } };
    using container = new MountedContainer(
      scratch,
      request(scratch, [DATA, host], [
        { name: "data", mountPath: "/data", subPath: "logs/web-0/" },
        { name: "host", mountPath: "/host", subPath: "a/b" },
      ]),
    );
    Deno.writeTextFileSync(container.path("/data/file"), "x");
    assert.equal(modeOf(inData(scratch, "logs")), "40777 0:0");
    assert.equal(modeOf(inData(scratch, "logs", "web-0")), "40777 0:0");
    assert.equal(modeOf(`${scratch}/host/a/b`), "40755 0:0");
    assert.equal(Deno.readTextFileSync(inData(scratch, "logs", "web-0", "file")), "x");
  });
});

Deno.test("addVolumeMounts() never makes a subPath in a configMap", async () => {
  await withScratch((scratch) => {
    const mounts = [{ name: "config", mountPath: "/etc/app", subPath: "none" }];
    assert.throws(
      () => new MountedContainer(scratch, request(scratch, [CONFIG], mounts))[Symbol.dispose](),
      /find subPath "none": errno 2$/,
    );
  });
});

/** A shared mount with a second one in it, as systemd's machines have them; gone with the callback. */
function withSharedHost(scratch: string, test: (path: string) => void): void {
  const path = `${scratch}/host`;
  Deno.mkdirSync(path);
  const outer = new ProgramBuilder();
  const tree = addFileSystem(outer, "make", "tmpfs", [], []);
  addAttach(outer, "attach", resultOf(tree), "AT_FDCWD", path);
  addMountAttributes(outer, "share", resultOf(tree), { set: [], propagation: "MS_SHARED" });
  runProgram(outer.build())[Symbol.dispose]();
  try {
    mountTmpfs(`${path}/sub`);
    test(path);
  } finally {
    syscall("unmount", "umount2", cString(path), flag("MNT_DETACH"));
  }
}

function mountTmpfs(path: string): void {
  Deno.mkdirSync(path);
  const builder = new ProgramBuilder();
  const tree = addFileSystem(builder, "make", "tmpfs", [], []);
  addAttach(builder, "attach", resultOf(tree), "AT_FDCWD", path);
  runProgram(builder.build())[Symbol.dispose]();
}

Deno.test("addVolumeMounts() makes readOnly mounts read-only, and what lies in them if asked", async () => {
  await withScratch((scratch) => {
    withSharedHost(scratch, (path) => {
      using container = new MountedContainer(
        scratch,
        request(scratch, [{ name: "host", hostPath: { path } }], [
          { name: "host", mountPath: "/rw" },
          { name: "host", mountPath: "/ro", readOnly: true },
          { name: "host", mountPath: "/all", readOnly: true, recursiveReadOnly: "Enabled" },
          { name: "host", mountPath: "/likely", readOnly: true, recursiveReadOnly: "IfPossible" },
          { name: "host", mountPath: "/top", readOnly: true, recursiveReadOnly: "Disabled" },
        ]),
      );
      const isReadOnly = (inside: string) => statfs(container.path(inside)).flags.includes("ro");
      const seen = ["/rw", "/ro", "/all", "/likely", "/top"].map((each) => [
        each,
        isReadOnly(each),
        isReadOnly(`${each}/sub`),
      ]);
      assert.deepEqual(seen, [
        ["/rw", false, false],
        ["/ro", true, false],
        ["/all", true, true],
        ["/likely", true, true],
        ["/top", true, false],
      ]);
      assert.deepEqual(statfs(path).flags, []);
    });
  });
});

Deno.test("addVolumeMounts() lets mounts through as mountPropagation says", async () => {
  await withScratch((scratch) => {
    withSharedHost(scratch, (path) => {
      const volumes: Volume[] = [{ name: "host", hostPath: { path } }];
      const mounts: VolumeMount[] = [
        { name: "host", mountPath: "/none" },
        { name: "host", mountPath: "/in", mountPropagation: "HostToContainer" },
      ];
      {
        using container = new MountedContainer(scratch, request(scratch, volumes, mounts));
        mountTmpfs(`${path}/late`);
        assert.equal(container.propagation("/none"), "");
        assert.equal(container.propagation("/in"), "master");
        assert.equal(container.propagation("/none/late"), undefined);
        assert.equal(container.propagation("/in/late"), "master");
      }
      const both: VolumeMount[] = [
        ...mounts,
        { name: "host", mountPath: "/both", mountPropagation: "Bidirectional" },
      ];
      using container = new MountedContainer(scratch, request(scratch, volumes, both), { privileged: true });
      assert.equal(container.propagation("/none"), "");
      assert.equal(container.propagation("/in"), "master");
      assert.equal(container.propagation("/both"), "shared");
    });
  });
});

Deno.test("addVolumes() refuses a Bidirectional hostPath that is on no shared mount", async () => {
  await withScratch((scratch) => {
    Deno.mkdirSync(`${scratch}/private`);
    mountTmpfs(`${scratch}/private/own`);
    try {
      const mountPropagation = "Bidirectional";
      const volumes: Volume[] = [{ name: "host", hostPath: { path: `${scratch}/private/own` } }];
      const mounts: VolumeMount[] = [{ name: "host", mountPath: "/both", mountPropagation }];
      assert.throws(
        () => new MountedContainer(scratch, request(scratch, volumes, mounts), { privileged: true }),
        { hint: `Run: mount --make-rshared ${scratch}/private/own` },
      );
    } finally {
      syscall("unmount", "umount2", cString(`${scratch}/private/own`), flag("MNT_DETACH"));
    }
  });
});

Deno.test("addVolumeMounts() keeps what a container lets go from being unmounted on the machine", async () => {
  await withScratch((scratch) => {
    withSharedHost(scratch, (path) => {
      const mountPropagation = "Bidirectional";
      const mounts: VolumeMount[] = [{ name: "host", mountPath: "/both", mountPropagation }];
      using container = new MountedContainer(
        scratch,
        request(scratch, [{ name: "host", hostPath: { path } }], mounts),
        {
          privileged: true,
          finish: (builder) =>
            builder.add("let the volume go", call("umount2", text("/v/host"), "MNT_DETACH")),
        },
      );
      assert.equal(container.propagation("/both/sub"), "shared");
      const points = parseMountInfo(Deno.readTextFileSync("/proc/self/mountinfo"));
      assert.ok(points.some(({ mountPoint }) => mountPoint === `${path}/sub`));
    });
  });
});

Deno.test("addVolumeMounts() mounts the volumes of a pod with users of its own", async () => {
  await withScratch((scratch) => {
    using userNamespace = openUserNamespace();
    Deno.chownSync(`${scratch}/rootfs`, 300_000, 300_000);
    using container = new MountedContainer(
      scratch,
      request(scratch, [DATA, CONFIG], [
        { name: "data", mountPath: "/data", subPath: "logs/web-0" },
        { name: "config", mountPath: "/etc/app", readOnly: true },
      ]),
      { userNamespace },
    );
    assert.equal(modeOf(container.path("/data/.")), "40777 300000:300000");
    assert.equal(modeOf(inData(scratch, "logs")), "40777 0:0");
    assert.equal(modeOf(container.path("/etc/app/app.conf")).split(" ")[1], "300000:300000");
    assert.equal(Deno.readTextFileSync(container.path("/etc/app/app.conf")), "x");
  });
});

Deno.test("addVolumeMounts() refuses what Kubernetes refuses", async () => {
  await withScratch((scratch) => {
    const refusal = (message: RegExp, ...mounts: VolumeMount[]) =>
      assert.throws(() => new MountedContainer(scratch, request(scratch, [DATA], mounts)), message);
    const data = { name: "data", mountPath: "/data" };
    refusal(/Cannot mount volume "none" on "\/data": the pod has no such volume/, { ...data, name: "none" });
    refusal(/that is the root of the container/, { ...data, mountPath: "/" });
    refusal(/the path contains "\.\."/, { ...data, mountPath: "/data/../etc" });
    refusal(/volume "data" is mounted there already/, data, { ...data, mountPath: "/data/" });
    refusal(/subPath "\/etc" is an absolute path/, { ...data, subPath: "/etc" });
    refusal(/subPath "a\/\.\.\/\.\." contains "\.\."/, { ...data, subPath: "a/../.." });
    refusal(/its subPathExpr has not been expanded/, { ...data, subPathExpr: "$(POD)" });
    refusal(/Bidirectional is for privileged containers/, { ...data, mountPropagation: "Bidirectional" });
    refusal(/recursiveReadOnly needs readOnly: true/, { ...data, recursiveReadOnly: "Enabled" });
    refusal(/recursiveReadOnly needs mountPropagation None/, {
      ...data,
      readOnly: true,
      recursiveReadOnly: "Enabled",
      mountPropagation: "HostToContainer",
    });
  });
});
