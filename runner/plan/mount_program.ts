/** The part of a container's program that mounts its volumes. infra's mount namespace holds every volume at `/v/NAME`. */
import type { PodSpec, Volume, VolumeMount } from "../../schema/kubernetes/mod.ts";
import { type Arch, type FlagName, SeedpodError } from "../base/mod.ts";
import {
  addEnsurePath,
  addMake,
  addStatxType,
  BENEATH,
  type EnsureRule,
  IN_ROOT,
  partsOf,
} from "./ensure_path.ts";
import { addMountAttributes, addOpenInside, addOpenPlace, addTree, SELF } from "./idioms.ts";
import {
  type Arg,
  type ArgLike,
  call,
  flags,
  type ManifestPath,
  octal,
  type ProgramBuilder,
  resultOf,
  type Step,
  type StepOptions,
  text,
} from "./program.ts";

/** Where infra's mount namespace holds the volumes. */
export const VOLUMES_ROOT = "/v";

/** What a mount of a pod does with mounts made elsewhere, as `mount_setattr(2)` names it. */
export type Propagation = "MS_PRIVATE" | "MS_SLAVE" | "MS_SHARED";

/** What a volume or a mount point is; `unknown` where only the machine can tell. */
export type FileKind = "directory" | "file" | "unknown";

/**
 * Adds the mount point of a volume in the sandbox's `v` directory, which is ours alone: a file for a volume that is one.
 * Idempotent.
 */
export function addVolumeMountPoint(
  builder: ProgramBuilder,
  directory: string,
  volume: Volume,
  tree: Arg,
  options: StepOptions = {},
): void {
  const name = `mount volume "${volume.name}": make its mount point`;
  const known = kindOfVolume(volume);
  const kind = known === "unknown" ? addStatxType(builder, name, tree, options) : known;
  addMake(builder, name, ["AT_FDCWD", text(`${directory}/${volume.name}`)], { kind }, options);
}

const HOST_PATH_KINDS: Readonly<Record<string, FileKind>> = {
  Directory: "directory",
  DirectoryOrCreate: "directory",
  File: "file",
  FileOrCreate: "file",
  Socket: "file",
  CharDevice: "file",
  BlockDevice: "file",
};

/** What a volume's root is. */
export function kindOfVolume(volume: Volume): FileKind {
  if (!volume.hostPath) return "directory";
  return HOST_PATH_KINDS[volume.hostPath.type ?? ""] ?? "unknown";
}

/**
 * What the pod's own copy of a volume does with mounts: shared where a container mounts it `Bidirectional`; otherwise a
 * hostPath follows the machine's mounts without ever changing them, and everything else is private.
 */
export function volumePropagation(spec: PodSpec, volume: Volume): Propagation {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const mounts = containers.flatMap((container) => container.volumeMounts ?? []);
  const bidirectional = mounts.some((mount) =>
    mount.name === volume.name && mount.mountPropagation === "Bidirectional"
  );
  if (bidirectional) return "MS_SHARED";
  return volume.hostPath ? "MS_SLAVE" : "MS_PRIVATE";
}

/** What {@linkcode addVolumeMounts} is given. */
export interface VolumeMountsRequest {
  /** The container's, with every subPathExpr already expanded into subPath. */
  readonly volumeMounts: readonly VolumeMount[];
  /** The pod's, defaulted. */
  readonly spec: PodSpec;
  /** A descriptor of the attached root, still writable: missing mount points are made in it. */
  readonly rootfs: Arg;
  /** The manifest path of the container. */
  readonly from: ManifestPath;
  readonly privileged: boolean;
  readonly arch: Arch;
}

/** One mount, checked. */
interface PlannedMount {
  readonly mount: VolumeMount;
  readonly volume: Volume;
  readonly name: string;
  readonly parts: readonly string[];
  readonly options: StepOptions & { readonly from: ManifestPath };
}

/**
 * Adds a container's volume mounts, parents before what lies in them. Runs in the container's child, in its own copy of
 * infra's mount namespace, before pivot_root. Needed without any volumeMounts too: it cuts the copy off the machine.
 * https://kubernetes.io/docs/concepts/storage/volumes/
 *
 * Throws a {@linkcode SeedpodError} for what Kubernetes refuses: an unknown volume, `..` in a path, two mounts on one path,
 * Bidirectional without privileges, recursiveReadOnly without readOnly.
 */
export function addVolumeMounts(builder: ProgramBuilder, request: VolumeMountsRequest): void {
  const planned = request.volumeMounts.map((mount, index) => planMount(request, mount, index));
  const paths = new Map<string, PlannedMount>();
  for (const each of planned) {
    const path = each.parts.join("/");
    const other = paths.get(path);
    if (other) refuse(each.name, `volume "${other.mount.name}" is mounted there already`);
    paths.set(path, each);
  }
  const attached: AttachedMount[] = [];
  for (const each of planned.toSorted((a, b) => a.parts.length - b.parts.length)) {
    attached.push({ parts: each.parts, tree: addVolumeMount(builder, request, each, attached) });
  }
  for (const { tree } of attached) builder.add("close a volume", call("close", resultOf(tree)));
  addCutOff(builder, request.spec);
}

/** A volume mount that is in place; later ones may lie in it. */
interface AttachedMount {
  readonly parts: readonly string[];
  readonly tree: Step;
}

/**
 * Makes the child's copies of shared volumes follow without leading: when it lets its old root go, the unmounting of what
 * is mounted in them would reach the machine. What the container mounts stays as it is.
 */
function addCutOff(builder: ProgramBuilder, spec: PodSpec): void {
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    if (volumePropagation(spec, volume) !== "MS_SHARED") continue;
    const name = `keep the end of volume "${volume.name}" from the machine`;
    const options = { from: ["spec", "volumes", index] };
    const held = addOpenPlace(builder, name, `${VOLUMES_ROOT}/${volume.name}`, [], options);
    const slave = { set: [], propagation: "MS_SLAVE", recursive: true } as const;
    addMountAttributes(builder, name, resultOf(held), slave, options);
    builder.add(name, call("close", resultOf(held)));
  }
}

function refuse(name: string, state: string, hint?: string): never {
  throw new SeedpodError(`Cannot ${name}: ${state}`, { fault: "user", ...(hint ? { hint } : {}) });
}

function planMount(request: VolumeMountsRequest, mount: VolumeMount, index: number): PlannedMount {
  const name = `mount volume "${mount.name}" on "${mount.mountPath}"`;
  const volume = request.spec.volumes?.find((each) => each.name === mount.name);
  if (!volume) refuse(name, "the pod has no such volume", `Add "${mount.name}" to spec.volumes`);
  const parts = partsOf(mount.mountPath);
  if (parts.length === 0) refuse(name, "that is the root of the container");
  if (parts.includes("..")) refuse(name, `the path contains ".."`);
  checkSubPath(name, mount);
  const propagation = mount.mountPropagation ?? "None";
  if (propagation === "Bidirectional" && !request.privileged) {
    refuse(name, "mountPropagation Bidirectional is for privileged containers alone");
  }
  if (isRecursivelyReadOnly(mount)) {
    if (!mount.readOnly) refuse(name, "recursiveReadOnly needs readOnly: true");
    if (propagation !== "None") refuse(name, "recursiveReadOnly needs mountPropagation None");
  }
  return { mount, volume, name, parts, options: { from: [...request.from, "volumeMounts", index] } };
}

function checkSubPath(name: string, mount: VolumeMount): void {
  if (mount.subPathExpr && mount.subPath === undefined) {
    throw new SeedpodError(`Cannot ${name}: its subPathExpr has not been expanded`);
  }
  const { subPath = "" } = mount;
  if (subPath.startsWith("/")) refuse(name, `subPath "${subPath}" is an absolute path`);
  if (partsOf(subPath).includes("..")) refuse(name, `subPath "${subPath}" contains ".."`);
}

function isRecursivelyReadOnly(mount: VolumeMount): boolean {
  const value = mount.recursiveReadOnly ?? "Disabled";
  return value === "Enabled" || value === "IfPossible";
}

const PROPAGATIONS = { None: "MS_PRIVATE", HostToContainer: "MS_SLAVE", Bidirectional: "MS_SHARED" } as const;

function addVolumeMount(
  builder: ProgramBuilder,
  request: VolumeMountsRequest,
  planned: PlannedMount,
  attached: readonly AttachedMount[],
): Step {
  const { mount, name, options } = planned;
  const isPart = partsOf(mount.subPath ?? "").length > 0;
  const tree = isPart
    ? addSubPath(builder, request.arch, planned)
    : addTree(builder, name, "AT_FDCWD", `${VOLUMES_ROOT}/${mount.name}`, ["AT_RECURSIVE"], options);
  const source = resultOf(tree);
  const recursively = isRecursivelyReadOnly(mount);
  const propagation = PROPAGATIONS[mount.mountPropagation ?? "None"];
  const set: FlagName[] = recursively ? ["MOUNT_ATTR_RDONLY"] : [];
  const how = `${name}: set its propagation${recursively ? " and make all of it read-only" : ""}`;
  addMountAttributes(builder, how, source, { set, propagation, recursive: true }, {
    from: [...options.from, recursively ? "recursiveReadOnly" : "mountPropagation"],
  });
  if (mount.readOnly && !recursively) {
    addMountAttributes(builder, `${name}: make it read-only`, source, { set: ["MOUNT_ATTR_RDONLY"] }, {
      from: [...options.from, "readOnly"],
    });
  }
  const known = isPart ? "unknown" : kindOfVolume(planned.volume);
  const kind = known === "unknown" ? addStatxType(builder, name, source, options) : known;
  const target = addTarget(builder, request, planned, { kind, attached });
  const move = flags("MOVE_MOUNT_F_EMPTY_PATH", "MOVE_MOUNT_T_EMPTY_PATH");
  builder.add(name, call("move_mount", source, SELF, resultOf(target), SELF, move), {
    ...options,
    hint: "A directory can be mounted on a directory alone, a file on a file",
  });
  builder.add(name, call("close", resultOf(target)));
  return tree;
}

/**
 * Adds the opening of a mount point: in the rootfs; or, where the path goes through an earlier volume, in that volume and
 * never out of it, since other containers may have put symlinks there.
 */
function addTarget(
  builder: ProgramBuilder,
  request: VolumeMountsRequest,
  { name, parts, options }: PlannedMount,
  { kind, attached }: { readonly kind: EnsureRule["kind"]; readonly attached: readonly AttachedMount[] },
): Step {
  const around = attached.findLast((each) => each.parts.every((part, index) => part === parts[index]));
  const root = around ? resultOf(around.tree) : request.rootfs;
  const path = parts.slice(around?.parts.length ?? 0).join("/");
  const rule: EnsureRule = { kind, arch: request.arch, resolve: around ? BENEATH : IN_ROOT };
  return addEnsurePath(builder, `${name}: make the mount point`, root, path, rule, options);
}

/** New directories of a subPath: as wide as the volume's root, as kubelet makes them; the setgid bit is inherited. */
const EMPTY_DIR_MODE = 0o777;
const HOST_PATH_MODE = 0o755;

/** Adds the cloning of a place in a volume: resolved beneath the volume's root, made where it is missing and may be. */
function addSubPath(builder: ProgramBuilder, arch: Arch, planned: PlannedMount): Step {
  const { mount, volume } = planned;
  const options = {
    from: [...planned.options.from, mount.subPathExpr ? "subPathExpr" : "subPath"],
    hint: "A subPath must stay inside its volume: symlinks that lead out of it are not followed",
  };
  const path = mount.subPath!;
  const name = `${planned.name}: find subPath "${path}"`;
  const held = `${VOLUMES_ROOT}/${mount.name}`;
  const root = addOpenPlace(builder, name, held, [], options);
  const directoryMode = volume.emptyDir ? EMPTY_DIR_MODE : HOST_PATH_MODE;
  const place = volume.emptyDir || volume.hostPath
    ? addMakeSubPath(builder, name, resultOf(root), path, { arch, directoryMode }, options)
    : addOpenInside(
      builder,
      name,
      resultOf(root),
      path,
      { open: ["O_PATH"], resolve: BENEATH, arch },
      options,
    );
  const tree = addTree(builder, name, resultOf(place), "", ["AT_RECURSIVE"], options);
  builder.add(name, call("close", resultOf(place)));
  builder.add(name, call("close", resultOf(root)));
  return tree;
}

/** Adds the opening of a subPath whose missing directories are made with their whole mode. */
function addMakeSubPath(
  builder: ProgramBuilder,
  name: string,
  root: ArgLike,
  path: string,
  rule: { readonly arch: Arch; readonly directoryMode: number },
  options: StepOptions,
): Step {
  builder.add(name, call("umask", 0));
  const ensure: EnsureRule = { ...rule, kind: "directory", resolve: BENEATH };
  const place = addEnsurePath(builder, name, root, path, ensure, options);
  builder.add(name, call("umask", octal(0o022)));
  return place;
}
