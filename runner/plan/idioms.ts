/** Sequences of steps that programs share. */
import { type Arch, type FlagName, flagValue } from "../base/mod.ts";
import {
  type Arg,
  type ArgLike,
  bytes,
  type Call,
  call,
  flags,
  octal,
  ProgramBuilder,
  resultOf,
  type Step,
  type StepOptions,
  text,
} from "./program.ts";

const encoder = new TextEncoder();

/** The empty path, which means the descriptor before it itself. */
export const SELF = text("");

/** Adds `mkdirat(2)` for an absolute path of seedpod's own; one that is there already is as good. */
export function addDirectory(
  builder: ProgramBuilder,
  path: string,
  mode: number,
  options: StepOptions = {},
): Step {
  const action = call("mkdirat", "AT_FDCWD", text(path), octal(mode));
  return builder.add(`make the directory "${path}"`, action, { ...options, tolerate: ["EEXIST"] });
}

/** Adds the opening of a path as a place (O_PATH), not for reading. */
export function addOpenPlace(
  builder: ProgramBuilder,
  name: string,
  path: string,
  kind: readonly FlagName[],
  options: StepOptions = {},
): Step {
  return builder.add(
    name,
    call("openat", "AT_FDCWD", text(path), flags("O_PATH", "O_CLOEXEC", ...kind), 0),
    options,
  );
}

/** Adds the writing of a file of seedpod's own, replaced when it is there. */
export function addFile(
  builder: ProgramBuilder,
  path: string,
  content: string,
  mode: number,
  options: StepOptions = {},
): void {
  const name = `write "${path}"`;
  const how = flags("O_WRONLY", "O_CREAT", "O_TRUNC", "O_NOFOLLOW", "O_CLOEXEC");
  const file = builder.add(name, call("openat", "AT_FDCWD", text(path), how, octal(mode)), options);
  addWriteAndClose(builder, name, file, content, options);
}

/** Adds one write of a short text into an open file, and its closing. */
export function addWriteAndClose(
  builder: ProgramBuilder,
  name: string,
  file: Step,
  content: string,
  options: StepOptions = {},
): void {
  const data = encoder.encode(content);
  if (data.length > 0) {
    builder.add(
      name,
      call("write", resultOf(file), bytes(data, JSON.stringify(content)), data.length),
      options,
    );
  }
  builder.add(name, call("close", resultOf(file)));
}

/** One parameter of a file system: a flag, or a key with a value. */
export type FsParameter = readonly [key: string, value?: string | Arg];

/** Adds the making of a new file system as a detached mount; the result of the last step is its descriptor. */
export function addFileSystem(
  builder: ProgramBuilder,
  name: string,
  type: string,
  parameters: readonly FsParameter[],
  attributes: readonly FlagName[],
  options: StepOptions = {},
): Step {
  const context = builder.add(name, call("fsopen", text(type), "FSOPEN_CLOEXEC"), options);
  for (const [key, value] of parameters) {
    const action = value === undefined
      ? call("fsconfig", resultOf(context), "FSCONFIG_SET_FLAG", text(key), 0, 0)
      : call(
        "fsconfig",
        resultOf(context),
        "FSCONFIG_SET_STRING",
        text(key),
        typeof value === "string" ? text(value) : value,
        0,
      );
    builder.add(`${name}: set ${key}`, action, options);
  }
  builder.add(name, call("fsconfig", resultOf(context), "FSCONFIG_CMD_CREATE", 0, 0, 0), options);
  const attr: ArgLike = attributes.length === 0 ? 0 : flags(...attributes);
  const mount = builder.add(name, call("fsmount", resultOf(context), "FSMOUNT_CLOEXEC", attr), options);
  builder.add(name, call("close", resultOf(context)));
  return mount;
}

/** Adds the cloning of a mount, or of a place in one, as a detached mount. */
export function addTree(
  builder: ProgramBuilder,
  name: string,
  at: ArgLike,
  path: string,
  how: readonly FlagName[] = [],
  options: StepOptions = {},
): Step {
  const all: FlagName[] = [
    "OPEN_TREE_CLONE",
    "OPEN_TREE_CLOEXEC",
    ...(path === "" ? ["AT_EMPTY_PATH" as const] : []),
    ...how,
  ];
  return builder.add(name, call("open_tree", at, text(path), flags(...all)), options);
}

/** What {@linkcode addMountAttributes} sets. */
export interface MountAttributes {
  readonly set: readonly FlagName[];
  readonly clear?: readonly FlagName[];
  readonly propagation?: "MS_PRIVATE" | "MS_SLAVE" | "MS_SHARED";
  readonly recursive?: boolean;
}

const ATTRIBUTE_BITS: Partial<Record<FlagName, number>> = {
  MOUNT_ATTR_RDONLY: 1,
  MOUNT_ATTR_NOSUID: 2,
  MOUNT_ATTR_NODEV: 4,
  MOUNT_ATTR_NOEXEC: 8,
};
const PROPAGATION_BITS = { MS_PRIVATE: 1 << 18, MS_SLAVE: 1 << 19, MS_SHARED: 1 << 20 };

/** Adds `mount_setattr(2)` on a mount by its descriptor. */
export function addMountAttributes(
  builder: ProgramBuilder,
  name: string,
  mount: ArgLike,
  attributes: MountAttributes,
  options: StepOptions = {},
): Step {
  const attr = new Uint8Array(new ArrayBuffer(32));
  const view = new DataView(attr.buffer);
  const bits = (names: readonly FlagName[]): number =>
    names.reduce((all, flag) => all | (ATTRIBUTE_BITS[flag] ?? 0), 0);
  const clear = attributes.clear ?? [];
  view.setUint32(0, bits(attributes.set), true);
  view.setUint32(8, bits(clear), true);
  if (attributes.propagation) view.setUint32(16, PROPAGATION_BITS[attributes.propagation], true);
  const parts = [
    ...(clear.length > 0 ? [`attr_clr=${clear.join("|")}`] : []),
    ...(attributes.set.length > 0 ? [`attr_set=${attributes.set.join("|")}`] : []),
    ...(attributes.propagation ? [`propagation=${attributes.propagation}`] : []),
  ];
  const how = attributes.recursive ? flags("AT_EMPTY_PATH", "AT_RECURSIVE") : flags("AT_EMPTY_PATH");
  const action = call("mount_setattr", mount, SELF, how, bytes(attr, `{${parts.join(", ")}}`), attr.length);
  return builder.add(name, action, options);
}

/** Adds the idmapping of a detached mount: ids on disk become the ids of the user namespace (`mount_setattr(2)`). */
export function addIdmap(
  builder: ProgramBuilder,
  name: string,
  mount: ArgLike,
  userNamespaceFd: number,
  options: StepOptions = {},
): Step {
  const attr = new Uint8Array(new ArrayBuffer(32));
  const view = new DataView(attr.buffer);
  view.setUint32(0, 0x100000, true);
  view.setUint32(24, userNamespaceFd, true);
  const label = "{attr_set=MOUNT_ATTR_IDMAP, userns_fd=<the pod's>}";
  const action = call("mount_setattr", mount, SELF, flags("AT_EMPTY_PATH"), bytes(attr, label), attr.length);
  return builder.add(name, action, options);
}

/** Adds the attaching of a detached mount to a single name below a directory that is ours, which cannot be a symlink. */
export function addAttach(
  builder: ProgramBuilder,
  name: string,
  mount: ArgLike,
  directory: ArgLike,
  target: string,
  options: StepOptions = {},
): Step {
  const how = flags("MOVE_MOUNT_F_EMPTY_PATH");
  return builder.add(name, call("move_mount", mount, SELF, directory, text(target), how), options);
}

/**
 * Adds `openat2(2)`: a path resolved once, inside a directory, with the rules named. The result is a place (O_PATH) unless
 * `open` says otherwise.
 */
export function addOpenInside(
  builder: ProgramBuilder,
  name: string,
  directory: ArgLike,
  path: string,
  how: { readonly open: readonly FlagName[]; readonly resolve: readonly FlagName[]; readonly arch: Arch },
  options: StepOptions = {},
): Step {
  return builder.add(name, openInside(directory, path, how.open, how.resolve, how.arch), options);
}

/** `openat2(2)` with its struct open_how. */
function openInside(
  directory: ArgLike,
  path: string,
  open: readonly FlagName[],
  resolve: readonly FlagName[],
  arch: Arch,
): Call {
  const struct = new Uint8Array(new ArrayBuffer(24));
  const view = new DataView(struct.buffer);
  view.setUint32(0, flagValue([...open, "O_CLOEXEC"], arch), true);
  view.setUint32(16, flagValue(resolve, arch), true);
  const label = `{flags=${[...open, "O_CLOEXEC"].join("|")}, resolve=${resolve.join("|")}}`;
  return call("openat2", directory, text(path), bytes(struct, label), struct.length);
}
