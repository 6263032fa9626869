import {
  addFileSystem,
  addMountAttributes,
  type Arg,
  bytes,
  call,
  type Data,
  flags,
  type FsParameter,
  octal,
  resultOf,
  type Step,
  text,
} from "../plan/mod.ts";
import { rootParameters } from "./empty_dir.ts";
import { directoriesOf, type Payload, type PayloadFile } from "./payload.ts";
import { addPropagation, optionsOf, podOwner, type VolumeContext } from "./request.ts";

/** The largest page of the architectures seedpod runs on: what a file of one byte may cost. */
const MAX_PAGE_BYTES = 65536;
const DIRECTORY_MODE = 0o755;
const GROUP_MAY_READ = 0o440;
/** One page at least is written whole or not at all; longer writes can stop half-way in a full file system. */
const WHOLE_WRITE_BYTES = 4096;

/** `..2026_11_23_18_18_19.345`: the directory that holds one version of a volume's files, as kubelet names it. */
export function versionDirectory(nowMs: number): string {
  return `..${new Date(nowMs).toISOString().replace(/[-T:]/g, "_").replace("Z", "")}`;
}

/**
 * Adds a payload as a detached, read-only file system in memory, laid out as kubelet's atomic writer does: a directory
 * with the files, `..data` that points to it, and a symlink through `..data` for each name at the top. With an fsGroup
 * everything belongs to that group, which may read it.
 */
export function addPayload(context: VolumeContext, payload: Payload, secret: boolean): Step {
  const { builder, name, request } = context;
  const options = optionsOf(context);
  const parameters: FsParameter[] = [["size", String(sizeBytes(payload))], ...rootParameters(context)];
  const [major, minor] = request.kernel;
  if (secret && (major > 6 || (major === 6 && minor >= 3))) parameters.push(["noswap"]);
  const tree = addFileSystem(builder, name, "tmpfs", parameters, [
    "MOUNT_ATTR_NOSUID",
    "MOUNT_ATTR_NODEV",
    "MOUNT_ATTR_NOEXEC",
  ], options);
  const version = versionDirectory(request.nowMs);
  const directory = addDirectories(context, tree, version, payload);
  for (const [path, file] of payload) addPayloadFile(context, directory, path, file);
  addLink(context, tree, "..data", version);
  const tops = new Set([...payload.keys()].map((path) => path.split("/")[0]!));
  for (const top of tops) addLink(context, tree, top, `..data/${top}`);
  addPropagation(context, tree);
  addMountAttributes(builder, `${name}: make it read-only`, resultOf(tree), {
    set: ["MOUNT_ATTR_RDONLY"],
  }, options);
  return tree;
}

/** More than the files can take, so that no write fails, and not much more. */
function sizeBytes(payload: Payload): number {
  let pages = 1 + payload.size;
  for (const file of payload.values()) pages += Math.ceil(file.bytes.length / MAX_PAGE_BYTES);
  return pages * MAX_PAGE_BYTES;
}

/** Adds the version's directory and those below it; gives the descriptor of the former. */
function addDirectories(context: VolumeContext, tree: Step, version: string, payload: Payload): Arg {
  const { builder, name } = context;
  const options = optionsOf(context);
  const mode = octal(DIRECTORY_MODE | (context.fsGroup === undefined ? 0 : 0o2000));
  const what = `${name}: make its directories`;
  const add = (parent: Arg, path: Data): Arg => {
    builder.add(what, call("mkdirat", parent, path, octal(DIRECTORY_MODE)), options);
    const how = flags("O_RDONLY", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC");
    const opened = resultOf(builder.add(what, call("openat", parent, path, how, 0), options));
    addOwner(context, what, opened);
    builder.add(what, call("fchmod", opened, mode), options);
    return opened;
  };
  const directory = add(resultOf(tree), text(version));
  for (const path of directoriesOf(payload)) builder.add(what, call("close", add(directory, text(path))));
  return directory;
}

function addPayloadFile(context: VolumeContext, directory: Arg, path: string, file: PayloadFile): void {
  const { builder, name, fsGroup } = context;
  const options = optionsOf(context);
  const what = `${name}: write "${path}"`;
  const how = flags("O_WRONLY", "O_CREAT", "O_EXCL", "O_NOFOLLOW", "O_CLOEXEC");
  const opened = resultOf(
    builder.add(what, call("openat", directory, text(path), how, octal(0o600)), options),
  );
  if (file.bytes.length > 0) addWrite(context, what, opened, file.bytes);
  addOwner(context, what, opened);
  const mode = fsGroup === undefined ? file.mode : file.mode | GROUP_MAY_READ;
  builder.add(what, call("fchmod", opened, octal(mode)), options);
  builder.add(what, call("close", opened));
}

/** For a pod with users of its own; else root made it, and the group comes from the directory above. */
function addOwner(context: VolumeContext, what: string, opened: Arg): void {
  const { uid, gid } = podOwner(context);
  if (uid !== 0) context.builder.add(what, call("fchown", opened, uid, gid), { from: ["spec", "hostUsers"] });
}

function addWrite(context: VolumeContext, what: string, opened: Arg, content: Uint8Array): void {
  const { builder } = context;
  const options = optionsOf(context);
  // what a secret holds is shown nowhere
  const data = bytes(content, `<${content.length} bytes>`);
  const write = call("write", opened, data, content.length);
  if (content.length <= WHOLE_WRITE_BYTES) {
    builder.add(what, write, options);
    return;
  }
  const written = bytes(new Uint8Array(new ArrayBuffer(4)), "<written>");
  builder.add(what, write, { ...options, store: { in: written, at: 0 } });
  builder.add(
    what,
    { check: written, offset: 0, mask: 0xffffffff, equals: content.length, errno: "ENOSPC" },
    options,
  );
}

function addLink(context: VolumeContext, tree: Step, name: string, target: string): void {
  const link = call("symlinkat", text(target), resultOf(tree), text(name));
  const what = `${context.name}: link "${name}" to "${target}"`;
  context.builder.add(what, link, optionsOf(context));
  const { uid, gid } = podOwner(context);
  if (uid === 0) return;
  const owner = call("fchownat", resultOf(tree), text(name), uid, gid, "AT_SYMLINK_NOFOLLOW");
  context.builder.add(what, owner, { from: ["spec", "hostUsers"] });
}
