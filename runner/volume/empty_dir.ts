import type { EmptyDirVolumeSource, Pod, PodSpec } from "../../schema/kubernetes/mod.ts";
import { quantityBytes } from "../../schema/kubernetes/mod.ts";
import type { FlagName } from "../base/mod.ts";
import {
  addDirectory,
  addFileSystem,
  addMountAttributes,
  addOpenPlace,
  addTree,
  call,
  containerResources,
  flags,
  type FsParameter,
  octal,
  podResources,
  ProgramBuilder,
  resultOf,
  type Step,
  text,
} from "../plan/mod.ts";
import {
  addOwnerMap,
  addPropagation,
  optionsOf,
  podOwner,
  refuseVolume,
  type VolumeContext,
} from "./request.ts";

const ATTRIBUTES: readonly FlagName[] = ["MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NODEV"];
const OPEN_TO_ALL = 0o777;
const SETGID = 0o2000;

/** The mode of a volume's root directory: open to all, and with an fsGroup new files belong to that group. */
export function rootMode(fsGroup: number | undefined): number {
  return fsGroup === undefined ? OPEN_TO_ALL : OPEN_TO_ALL | SETGID;
}

/** The parameters of a file system of the pod's own: its root's mode and owner. */
export function rootParameters(context: VolumeContext): FsParameter[] {
  const { uid, gid } = podOwner(context);
  const owner: FsParameter[] = uid === 0 ? [] : [["uid", String(uid)]];
  if (gid !== 0) owner.push(["gid", String(gid)]);
  return [["mode", rootMode(context.fsGroup).toString(8)], ...owner];
}

/** Adds an emptyDir as a detached mount. https://kubernetes.io/docs/concepts/storage/volumes/#emptydir */
export function addEmptyDir(context: VolumeContext, source: EmptyDirVolumeSource): Step {
  const medium = source.medium ?? "";
  if (medium === "") return addDiskEmptyDir(context);
  const tree = medium === "Memory"
    ? addMemoryEmptyDir(context, source)
    : addHugePages(context, source, medium);
  addPropagation(context, tree);
  return tree;
}

const emptyDirsOf = (volumesDirectory: string): string => `${volumesDirectory}/empty-dir`;

/**
 * Adds a directory on disk. It gets its name when it has its mode and owner, so that a run after a crash finds it whole or
 * not at all, and a directory that containers have used is left as they made it.
 */
function addDiskEmptyDir(context: VolumeContext): Step {
  const { builder, request, volume, name, propagation } = context;
  const options = optionsOf(context);
  const parents = emptyDirsOf(request.volumesDirectory);
  for (const path of [parentOf(request.volumesDirectory), request.volumesDirectory, parents]) {
    addDirectory(builder, path, 0o700, options);
  }
  const what = `${name}: make its directory`;
  const parent = addOpenPlace(builder, what, parents, ["O_DIRECTORY", "O_NOFOLLOW"], options);
  const open = call("openat", resultOf(parent), text(volume.name), directoryFlags("O_PATH"), 0);
  const directory: Step = { ...options, name: what, action: open, tolerate: ["ENOENT"] };
  const making = new ProgramBuilder();
  addMakeDirectory(making, context, what, parent);
  making.add(what, open, { ...options, resultInto: directory });
  builder.append(directory, making);
  const tree = addTree(builder, name, resultOf(directory), "", [], options);
  addMountAttributes(builder, name, resultOf(tree), { set: ATTRIBUTES, propagation }, options);
  addOwnerMap(context, tree);
  return tree;
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
const directoryFlags = (access: FlagName) => flags(access, "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC");

function addMakeDirectory(
  making: ProgramBuilder,
  context: VolumeContext,
  what: string,
  parent: Step,
): void {
  const { volume, fsGroup } = context;
  const options = optionsOf(context);
  const at = resultOf(parent);
  // no volume has a name with a dot
  const unfinished = text(`.${volume.name}`);
  making.add(what, call("mkdirat", at, unfinished, octal(0o700)), { ...options, tolerate: ["EEXIST"] });
  const open = call("openat", at, unfinished, directoryFlags("O_RDONLY"), 0);
  const directory = resultOf(making.add(what, open, options));
  if (fsGroup !== undefined) {
    const owner = call("fchown", directory, -1, fsGroup);
    making.add(`${what}: give it to fsGroup ${fsGroup}`, owner, { from: FS_GROUP });
  }
  making.add(what, call("fchmod", directory, octal(rootMode(fsGroup))), options);
  making.add(what, call("renameat2", at, unfinished, at, text(volume.name), 0), options);
  making.add(what, call("close", directory));
}

const FS_GROUP = ["spec", "securityContext", "fsGroup"] as const;

function addMemoryEmptyDir(context: VolumeContext, source: EmptyDirVolumeSource): Step {
  const { builder, request, name } = context;
  const size = memorySizeBytes(request.pod.spec!, source.sizeLimit, request.memoryBytes);
  const parameters: FsParameter[] = [["size", String(size)], ...rootParameters(context)];
  return addFileSystem(builder, name, "tmpfs", parameters, ATTRIBUTES, optionsOf(context));
}

/**
 * The size of an emptyDir in memory, by kubelet's rule: what the pod can use at most, or its sizeLimit where that is less.
 * A sizeLimit of 0 is none.
 */
export function memorySizeBytes(spec: PodSpec, sizeLimit: string | undefined, memoryBytes: number): number {
  const limits = [memoryBytes];
  const podLimit = podResources(spec).limits.get("memory");
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const isLimited = spec.resources?.limits?.memory !== undefined ||
    containers.every((container) => containerResources(container).limits.has("memory"));
  if (podLimit && isLimited) limits.push(podLimit);
  const own = sizeLimit === undefined ? 0 : quantityBytes(sizeLimit);
  if (own > 0) limits.push(own);
  return Math.min(...limits);
}

const HUGE_PAGES = "hugepages-";

function addHugePages(context: VolumeContext, source: EmptyDirVolumeSource, medium: string): Step {
  const { builder, name } = context;
  const pageSize = hugePageSize(context, medium);
  const parameters: FsParameter[] = [["pagesize", String(pageSize)], ...rootParameters(context)];
  const limit = source.sizeLimit === undefined ? 0 : quantityBytes(source.sizeLimit);
  if (limit > 0) parameters.push(["size", String(limit)]);
  return addFileSystem(builder, name, "hugetlbfs", parameters, ATTRIBUTES, optionsOf(context));
}

/** The page size of a medium `HugePages` or `HugePages-SIZE`, by kubelet's rule: what the pod's containers request. */
function hugePageSize(context: VolumeContext, medium: string): number {
  const { request } = context;
  const wanted = /^HugePages(?:-(.+))?$/.exec(medium);
  if (!wanted) {
    refuseVolume(context, `there is no medium "${medium}"`, "Use Memory, HugePages or HugePages-SIZE");
  }
  const requests = podResources(request.pod.spec!).requests;
  const requested = [...requests.keys()].filter((name) => name.startsWith(HUGE_PAGES))
    .map((name) => quantityBytes(name.slice(HUGE_PAGES.length)));
  const [only] = requested;
  if (only === undefined) {
    refuseVolume(
      context,
      `medium "${medium}" needs a container that requests huge pages`,
      "Set resources.limits",
    );
  }
  if (wanted[1] === undefined && requested.length > 1) {
    refuseVolume(context, "the pod requests huge pages of several sizes", "Use HugePages-SIZE");
  }
  const size = wanted[1] === undefined ? only : quantityBytes(wanted[1]);
  if (!requested.includes(size)) {
    refuseVolume(context, `no container requests huge pages of medium "${medium}"`, "Set resources.limits");
  }
  if (!request.hugePageSizes.includes(size)) {
    refuseVolume(context, `this machine has no huge pages of ${size} bytes`);
  }
  return size;
}

/** A directory whose size counts as the pod's ephemeral storage. */
export interface EmptyDirUsage {
  readonly volume: string;
  /** Absolute; not there before the pod's first start. */
  readonly directory: string;
  /** Over it the pod is evicted; null without a sizeLimit. */
  readonly sizeLimitBytes: number | null;
}

/** The emptyDirs on disk: nothing but measuring bounds them. Those in memory are bounded by the kernel. */
export function emptyDirUsage(pod: Pod, volumesDirectory: string): EmptyDirUsage[] {
  return (pod.spec?.volumes ?? []).flatMap(({ name, emptyDir }) => {
    if (!emptyDir || emptyDir.medium) return [];
    const limit = emptyDir.sizeLimit === undefined ? 0 : quantityBytes(emptyDir.sizeLimit);
    return [{
      volume: name,
      directory: `${emptyDirsOf(volumesDirectory)}/${name}`,
      sizeLimitBytes: limit > 0 ? limit : null,
    }];
  });
}
