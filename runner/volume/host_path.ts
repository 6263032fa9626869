import type { HostPathVolumeSource } from "../../schema/kubernetes/mod.ts";
import type { ErrnoName } from "../base/mod.ts";
import type { MountInfo } from "../linux/mod.ts";
import {
  addMountAttributes,
  addOpenInside,
  addTree,
  call,
  octal,
  ProgramBuilder,
  resultOf,
  type Step,
  type StepOptions,
  text,
} from "../plan/mod.ts";
import { addStatxType, isType } from "../plan/mod.ts";
import { addOwnerMap, optionsOf, refuseVolume, type VolumeContext } from "./request.ts";

/** What a type of hostPath asks of the path. */
interface HostPathRule {
  /** What is made where nothing is. */
  readonly make?: "directory" | "file";
  readonly check?: readonly [type: Parameters<typeof isType>[1], words: string, errno: ErrnoName];
}

const DIRECTORY = ["S_IFDIR", "a directory", "ENOTDIR"] as const;
const FILE = ["S_IFREG", "a regular file", "EINVAL"] as const;

/** An empty type asks nothing; as with every container runtime of Kubernetes a missing path becomes a directory then. */
const RULES: Readonly<Record<NonNullable<HostPathVolumeSource["type"]>, HostPathRule>> = {
  "": { make: "directory" },
  DirectoryOrCreate: { make: "directory", check: DIRECTORY },
  Directory: { check: DIRECTORY },
  FileOrCreate: { make: "file", check: FILE },
  File: { check: FILE },
  Socket: { check: ["S_IFSOCK", "a socket", "EINVAL"] },
  CharDevice: { check: ["S_IFCHR", "a character device", "EINVAL"] },
  BlockDevice: { check: ["S_IFBLK", "a block device", "ENOTBLK"] },
};

/**
 * Adds a hostPath as a detached mount, with everything that is mounted below it. The path is opened once, as the machine
 * resolves it, and what was opened is checked and cloned.
 * https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
 */
export function addHostPath(context: VolumeContext, source: HostPathVolumeSource): Step {
  const { builder, name, propagation } = context;
  const { path } = source;
  if (!path.startsWith("/")) refuseVolume(context, `hostPath "${path}" is not an absolute path`);
  if (path.split("/").includes("..")) refuseVolume(context, `hostPath "${path}" contains ".."`);
  if (propagation === "MS_SHARED") refuseUnshared(context, path);
  const rule = RULES[source.type ?? ""];
  const place = addOpen(context, path, rule);
  if (rule.check) addCheck(context, source, place, rule.check);
  const options = optionsOf(context);
  const tree = addTree(builder, name, resultOf(place), "", ["AT_RECURSIVE"], options);
  const how = `${name}: set its propagation`;
  addMountAttributes(builder, how, resultOf(tree), { set: [], propagation, recursive: true }, options);
  addOwnerMap(context, tree);
  return tree;
}

/**
 * As the container runtimes of Kubernetes do: a container's mounts can reach the machine through a shared mount alone. It
 * is a courtesy to the user, nothing is decided by the path looked up here.
 */
function refuseUnshared(context: VolumeContext, path: string): void {
  const real = realPath(path);
  const isAbove = (point: string): boolean => point === "/" || real === point || real.startsWith(`${point}/`);
  // of two mounts on one point the later one is on top
  const holder = context.request.mounts().filter(({ mountPoint }) => isAbove(mountPoint))
    .reduce<MountInfo | undefined>(
      (best, each) => each.mountPoint.length >= (best?.mountPoint.length ?? 0) ? each : best,
      undefined,
    );
  if (holder?.propagation.some((field) => field.startsWith("shared:"))) return;
  refuseVolume(
    context,
    `mountPropagation Bidirectional needs hostPath "${path}" to be on a shared mount`,
    `Run: mount --make-rshared ${holder?.mountPoint ?? "/"}`,
  );
}

/** The path without symlinks, as far as it is there. */
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function addOpen(context: VolumeContext, path: string, rule: HostPathRule): Step {
  const { builder, request, name } = context;
  const what = `${name}: open hostPath "${path}"`;
  const how = { open: ["O_PATH"], resolve: ["RESOLVE_NO_MAGICLINKS"], arch: request.arch } as const;
  const open = (into: ProgramBuilder, options: StepOptions) =>
    addOpenInside(into, what, "AT_FDCWD", path, how, options);
  if (!rule.make) {
    return open(builder, optionsOf(context, "Correct the path, make it first, or use a type that makes it"));
  }
  const place = open(new ProgramBuilder(), optionsOf(context, undefined, ["ENOENT"]));
  const making = new ProgramBuilder();
  addMake(making, context, path, rule.make);
  open(making, { ...optionsOf(context), resultInto: place });
  return builder.append(place, making);
}

/** Adds the making of the path: directories with their parents, 0755; a file alone, 0644. */
function addMake(
  making: ProgramBuilder,
  context: VolumeContext,
  path: string,
  kind: "directory" | "file",
): void {
  const options = optionsOf(context, undefined, ["EEXIST"]);
  if (kind === "file") {
    const hint = "FileOrCreate does not make the directory of the file";
    const make = call("mknodat", "AT_FDCWD", text(path), octal(0o100644), 0);
    making.add(`${context.name}: make the file "${path}"`, make, { ...options, hint });
    return;
  }
  const parts = path.split("/").filter((part) => part !== "");
  parts.forEach((_, index) => {
    const prefix = `/${parts.slice(0, index + 1).join("/")}`;
    const make = call("mkdirat", "AT_FDCWD", text(prefix), octal(0o755));
    making.add(`${context.name}: make the directory "${prefix}"`, make, options);
  });
}

function addCheck(
  context: VolumeContext,
  source: HostPathVolumeSource,
  place: Step,
  [type, words, errno]: NonNullable<HostPathRule["check"]>,
): void {
  const { builder, name, from } = context;
  const options = { from: [...from, "hostPath", "type"] };
  const answer = addStatxType(
    builder,
    `${name}: look at hostPath "${source.path}"`,
    resultOf(place),
    options,
  );
  builder.add(`${name}: hostPath "${source.path}" is not ${words}`, isType(answer, type, errno), {
    ...options,
    hint: `Type ${source.type} asks for ${words}: correct the path or the type`,
  });
}
