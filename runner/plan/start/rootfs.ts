import {
  addAttach,
  addDirectory,
  addFile,
  addFileSystem,
  addIdmap,
  addMountAttributes,
  addOpenPlace,
  addTree,
} from "../idioms.ts";
import { bytes, call, type Data, flags, type ProgramBuilder, resultOf, type Step, text } from "../program.ts";
import type { StartContext } from "./context.ts";
import { etcFiles } from "./etc_files.ts";
import { attemptDirectory, type ContainerStart } from "./container_start.ts";

const PLACEHOLDER = "/proc/self/fd//////////";

/** `/proc/self/fd/…` with room for ten characters of a descriptor's number. */
interface FdPath {
  readonly step: Step;
}

/**
 * Adds the container's root: an overlay of a fresh upper layer over the image's layers.
 * The layers are named by descriptors (short, resolved once); the result is a detached mount.
 */
export function addRootfs(builder: ProgramBuilder, start: ContainerStart): Step {
  const { context, attempt, container } = start;
  const from = { from: [...start.from, "image"] };
  const directory = attemptDirectory(context, container.name, attempt);
  const upper = `${directory}/upper`;
  addDirectory(builder, `${context.places.lib}/containers`, 0o700);
  addDirectory(builder, `${context.places.lib}/containers/${container.name}`, 0o700);
  addDirectory(builder, directory, 0o700);
  addDirectory(builder, `${directory}/work`, 0o755);
  addUpper(builder, context, upper);
  const { userNamespace } = context;
  const mapped = userNamespace !== null && !start.hostRoot;
  const attached = mapped && !takesDetachedLayers(context) ? layerMountPoint(context.places.run) : undefined;
  if (attached) addDirectory(builder, attached, 0o700);
  const images = start.layers.map((path) =>
    mapped ? addMappedLayer(builder, path, userNamespace.fd, attached, from) : addLayer(builder, path, from)
  );
  const top = addLayer(builder, upper, from);
  const work = addLayer(builder, `${directory}/work`, from);
  const rootfs = addFileSystem(
    builder,
    "mount the rootfs",
    "overlay",
    [
      ["source", "overlay"],
      ["lowerdir", joined(images, builder)],
      ["upperdir", joined([top], builder)],
      ["workdir", joined([work], builder)],
      ["volatile"],
    ],
    [],
    from,
  );
  for (const path of attached ? start.layers : []) {
    const how = flags("MNT_DETACH", "UMOUNT_NOFOLLOW");
    builder.add(`detach the layer "${path}"`, call("umount2", text(attached!), how), from);
  }
  return rootfs;
}

/** The first Linux whose overlayfs takes layers from mounts that are attached nowhere; EINVAL before. */
const DETACHED_LAYERS = [6, 15] as const;

function takesDetachedLayers({ facts: { kernel: [major, minor] } }: StartContext): boolean {
  return major > DETACHED_LAYERS[0] || (major === DETACHED_LAYERS[0] && minor >= DETACHED_LAYERS[1]);
}

/** Where mapped layers are attached while an older kernel makes an overlay of them; below the pod's run directory. */
export function layerMountPoint(run: string): string {
  return `${run}/sandbox/l`;
}

/**
 * The fresh upper layer. It holds real /dev, /proc, /sys, /etc and the pod's files of /etc, so that no image can make them
 * symlinks (CVE-2026-41579, CVE-2019-19921). In it rather than in a lower layer of ours, because below `image: host`, whose
 * lower layer is the machine's root, overlayfs refuses lower layers that lie inside another one (ELOOP).
 */
function addUpper(builder: ProgramBuilder, context: StartContext, upper: string): void {
  const paths = [upper, ...["dev", "proc", "sys", "etc"].map((name) => `${upper}/${name}`)];
  for (const path of paths) addDirectory(builder, path, 0o755);
  for (const { name, content } of etcFiles(context)) {
    paths.push(`${upper}/etc/${name}`);
    addFile(builder, `${upper}/etc/${name}`, content, 0o644);
  }
  const owner = context.userNamespace?.firstHostId;
  if (owner === undefined) return;
  for (const path of paths) {
    builder.add(
      "give the upper layer to the pod",
      call("fchownat", "AT_FDCWD", text(path), owner, owner, 0),
      {
        from: ["spec", "hostUsers"],
      },
    );
  }
}

function addLayer(builder: ProgramBuilder, path: string, options: { from: (string | number)[] }): FdPath {
  return { step: addOpenPlace(builder, `open the layer "${path}"`, path, ["O_DIRECTORY"], options) };
}

/** A layer whose ids are those of the pod's user namespace; read-only, so that nothing can harm it where it is attached. */
function addMappedLayer(
  builder: ProgramBuilder,
  path: string,
  userNamespaceFd: number,
  attachAt: string | undefined,
  options: { from: (string | number)[] },
): FdPath {
  const tree = addTree(builder, `open the layer "${path}"`, "AT_FDCWD", path, [], options);
  addIdmap(builder, `map the ids of the layer "${path}"`, resultOf(tree), userNamespaceFd, options);
  const attributes = { set: ["MOUNT_ATTR_RDONLY"], propagation: "MS_PRIVATE" } as const;
  addMountAttributes(builder, `protect the layer "${path}"`, resultOf(tree), attributes, options);
  if (attachAt) {
    addAttach(builder, `attach the layer "${path}"`, resultOf(tree), "AT_FDCWD", attachAt, options);
  }
  return { step: tree };
}

/** The paths of descriptors, one behind the other with colons between; each number is filled in when its step has run. */
function joined(paths: readonly FdPath[], builder: ProgramBuilder): Data {
  const value = paths.map(() => PLACEHOLDER).join(":");
  const label = JSON.stringify(paths.map((path) => builder.describe(path.step)).join(":"));
  const data = bytes(text(value).bytes, label);
  paths.forEach((path, index) => {
    builder.storeInto(path.step, {
      in: data,
      at: index * (PLACEHOLDER.length + 1) + PLACEHOLDER.length - 10,
      as: "path",
    });
  });
  return data;
}
