import assert from "node:assert/strict";
import type { Volume, VolumeMount } from "../../schema/mod.ts";
import { ProgramBuilder } from "../../runner/plan/mod.ts";
import { addVolumeMounts, volumePropagation } from "../../runner/plan/mount_program.ts";

/** One line a step: the call, its texts and constants, and where it comes from. */
function outline(volumes: Volume[], volumeMounts: VolumeMount[]): string[] {
  const builder = new ProgramBuilder();
  const rootfs = { kind: "passed" as const, index: 1, text: "rootfs" };
  const from = ["spec", "containers", 0];
  const spec = { containers: [{ name: "main", volumeMounts }], volumes };
  addVolumeMounts(builder, { volumeMounts, spec, rootfs, from, privileged: false, arch: "x86_64" });
  return builder.build().steps.map((step) => {
    const { action } = step;
    if (!("call" in action)) return "check";
    const words = action.args.flatMap((arg) =>
      arg.kind === "flags" ? [arg.names.join("|")] : "text" in arg ? [arg.text] : []
    );
    const skip = step.skipOnSuccess ? ` (or else the next ${step.skipOnSuccess})` : "";
    return `${action.call} ${words.join(" ")}${skip} <- ${step.from?.slice(4).join(".") ?? ""}`;
  });
}

const OPEN = "{flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS}";

Deno.test("addVolumeMounts() mounts a volume that has its mount point with few calls", () => {
  const lines = outline([{ name: "data", emptyDir: {} }], [{ name: "data", mountPath: "/srv/data" }]);
  assert.deepEqual(lines, [
    'open_tree AT_FDCWD "/v/data" OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE <- 0',
    'mount_setattr "" AT_EMPTY_PATH|AT_RECURSIVE {propagation=MS_PRIVATE} <- 0.mountPropagation',
    `openat2 rootfs "srv/data" ${OPEN} (or else the next 5) <- 0`,
    `openat2 rootfs "srv" ${OPEN} (or else the next 2) <- 0`,
    'mkdirat rootfs "srv" <- 0',
    `openat2 rootfs "srv" ${OPEN} <- 0`,
    'mkdirat "data" <- 0',
    `openat2 rootfs "srv/data" ${OPEN} <- 0`,
    'move_mount "" "" MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH <- 0',
    "close  <- ",
    "close  <- ",
  ]);
});

Deno.test("addVolumeMounts() sets read-only before a mount is attached", () => {
  const mounts = [{ name: "data", mountPath: "/data", readOnly: true }];
  const lines = outline([{ name: "data", emptyDir: {} }], mounts);
  const readOnly = lines.findIndex((line) => line.includes("MOUNT_ATTR_RDONLY"));
  const attached = lines.findIndex((line) => line.startsWith("move_mount"));
  assert.ok(readOnly >= 0 && readOnly < attached);
  assert.equal(
    lines[readOnly],
    'mount_setattr "" AT_EMPTY_PATH {attr_set=MOUNT_ATTR_RDONLY} <- 0.readOnly',
  );
});

Deno.test("volumePropagation() shares a volume only where a container asks for both ways", () => {
  const data: Volume = { name: "data", emptyDir: {} };
  const host: Volume = { name: "host", hostPath: { path: "/srv" } };
  const spec = (mountPropagation: VolumeMount["mountPropagation"] & string, name: string) => ({
    containers: [{ name: "main", volumeMounts: [{ name, mountPath: "/x", mountPropagation }] }],
  });
  assert.equal(volumePropagation(spec("None", "data"), data), "MS_PRIVATE");
  assert.equal(volumePropagation(spec("None", "host"), host), "MS_SLAVE");
  assert.equal(volumePropagation(spec("HostToContainer", "host"), host), "MS_SLAVE");
  assert.equal(volumePropagation(spec("Bidirectional", "host"), host), "MS_SHARED");
  assert.equal(volumePropagation(spec("Bidirectional", "host"), data), "MS_PRIVATE");
});
