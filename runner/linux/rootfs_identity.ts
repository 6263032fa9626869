import { errnoNumber, FLAGS, MAX_USERS_FILE_BYTES, SeedpodError } from "../base/mod.ts";
import { parseGroup, parsePasswd, type RootfsUsers } from "../plan/mod.ts";
import { cString, flag, OwnedFd, syscall, SysError, trySyscall } from "../sys/mod.ts";

const ENOENT = errnoNumber("ENOENT");
const ENOTDIR = errnoNumber("ENOTDIR");

/**
 * Reads the users and groups of a rootfs: etc/passwd and etc/group, resolved inside it. A file that is not there is an
 * empty one.
 *
 * @param rootPath The rootfs's directory; `/` for the machine's own.
 * @throws {SeedpodError} when one is no regular file, or larger than {@linkcode MAX_USERS_FILE_BYTES} (CVE-2024-9676).
 */
export function readRootfsUsers(rootPath: string): RootfsUsers {
  const how = flag("O_PATH", "O_DIRECTORY", "O_CLOEXEC");
  using root = new OwnedFd(
    syscall(`open the rootfs "${rootPath}"`, "openat", FLAGS.AT_FDCWD, cString(rootPath), how, 0),
  );
  return {
    passwd: parsePasswd(readInside(root, rootPath, "etc/passwd")),
    groups: parseGroup(readInside(root, rootPath, "etc/group")),
  };
}

function readInside(root: OwnedFd, rootPath: string, path: string): string {
  const what = `read "${path}" of the rootfs "${rootPath}"`;
  using place = openPlace(root, what, path);
  if (place === undefined) return "";
  const refuse = (state: string): never => {
    throw new SeedpodError(`Cannot ${what}: ${state}`, { fault: "user" });
  };
  const { mode, size } = statPlace(what, place);
  if ((mode & FLAGS.S_IFMT) !== FLAGS.S_IFREG) return refuse("it is no regular file");
  const tooLarge = `it is larger than ${MAX_USERS_FILE_BYTES} bytes`;
  if (size > MAX_USERS_FILE_BYTES) return refuse(tooLarge);
  // what the place is has been looked at, so opening it through its descriptor starts no device and waits for no writer
  const again = cString(`/proc/self/fd/${place.number}`);
  using file = new OwnedFd(syscall(what, "openat", FLAGS.AT_FDCWD, again, flag("O_RDONLY", "O_CLOEXEC"), 0));
  // as large as the file is, or has meanwhile become: not the largest that it may be, for every container that starts
  let content = new Uint8Array(size + 1);
  let length = 0;
  for (let count = -1; count !== 0 && length <= MAX_USERS_FILE_BYTES; length += count) {
    if (length === content.length) content = doubled(content);
    const rest = content.subarray(length);
    count = syscall(what, "read", file.number, rest, rest.length);
  }
  return length > MAX_USERS_FILE_BYTES ? refuse(tooLarge) : new TextDecoder().decode(
    content.subarray(0, length),
  );
}

function doubled(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * content.length);
  larger.set(content);
  return larger;
}

/** The file as a place, which reads nothing and waits for nothing; undefined when it does not exist. */
function openPlace(root: OwnedFd, what: string, path: string): OwnedFd | undefined {
  const how = new DataView(new ArrayBuffer(24));
  how.setUint32(0, flag("O_PATH", "O_CLOEXEC"), true);
  how.setUint32(16, flag("RESOLVE_IN_ROOT", "RESOLVE_NO_MAGICLINKS"), true);
  const struct = new Uint8Array(how.buffer);
  const fd = trySyscall("openat2", root.number, cString(path), struct, struct.length);
  if (fd === -ENOENT || fd === -ENOTDIR) return undefined;
  if (fd < 0) throw new SysError(what, -fd);
  return new OwnedFd(fd);
}

const STATX_TYPE_AND_SIZE = 0x201;

/** The type and size of an open file, see `statx(2)`. */
function statPlace(what: string, place: OwnedFd): { mode: number; size: number } {
  const result = new Uint8Array(256);
  const empty = flag("AT_EMPTY_PATH");
  syscall(what, "statx", place.number, cString(""), empty, STATX_TYPE_AND_SIZE, result);
  const view = new DataView(result.buffer);
  return { mode: view.getUint16(28, true), size: Number(view.getBigUint64(40, true)) };
}
