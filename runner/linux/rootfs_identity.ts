import { errnoNumber, FLAGS, MAX_KNOWN_ROOTFS, MAX_USERS_FILE_BYTES, SeedpodError } from "../base/mod.ts";
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
    passwd: parseInside(knownPasswd, parsePasswd, root, rootPath, "etc/passwd"),
    groups: parseInside(knownGroups, parseGroup, root, rootPath, "etc/group"),
  };
}

/** What a file of users was read as, and the file as it was then. */
interface Known<T> {
  readonly version: string;
  readonly parsed: T;
}

const knownPasswd = new Map<string, Known<RootfsUsers["passwd"]>>();
const knownGroups = new Map<string, Known<RootfsUsers["groups"]>>();

/** Parses a file of a rootfs, or remembers what it was: many containers of one image start, and its users seldom change. */
function parseInside<T>(
  known: Map<string, Known<T>>,
  parse: (text: string) => T,
  root: OwnedFd,
  rootPath: string,
  path: string,
): T {
  const what = `read "${path}" of the rootfs "${rootPath}"`;
  using place = openPlace(root, what, path);
  if (place === undefined) return parse("");
  const stat = statPlace(what, place);
  const before = known.get(rootPath);
  if (before?.version === stat.version) return before.parsed;
  const parsed = parse(readPlace(place, what, stat));
  if (known.size >= MAX_KNOWN_ROOTFS) known.clear();
  // a file that changes twice within one tick of the kernel's clock looks the same
  if (Date.now() - stat.changedMs > SETTLED_MS) known.set(rootPath, { version: stat.version, parsed });
  return parsed;
}

/** Longer ago than the kernel's coarsest tick, the time of a change tells one content from another. */
const SETTLED_MS = 1000;

function readPlace(place: OwnedFd, what: string, { mode, size }: PlaceStat): string {
  const refuse = (state: string): never => {
    throw new SeedpodError(`Cannot ${what}: ${state}`, { fault: "user" });
  };
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

/** STATX_TYPE, STATX_CTIME, STATX_INO, STATX_SIZE. */
const STATX_WANTED = 0x381;

/** What is asked of a file before it is read. */
interface PlaceStat {
  readonly mode: number;
  readonly size: number;
  readonly changedMs: number;
  /** Another one for another file, and for another content of the same file. */
  readonly version: string;
}

/** The type, size and version of an open file, see `statx(2)`. */
function statPlace(what: string, place: OwnedFd): PlaceStat {
  const result = new Uint8Array(256);
  const empty = flag("AT_EMPTY_PATH");
  syscall(what, "statx", place.number, cString(""), empty, STATX_WANTED, result);
  const view = new DataView(result.buffer);
  const size = Number(view.getBigUint64(40, true));
  const [seconds, nanoseconds] = [Number(view.getBigInt64(96, true)), view.getUint32(104, true)];
  const device = [view.getUint32(136, true), view.getUint32(140, true)];
  const version = [...device, view.getBigUint64(32, true), size, seconds, nanoseconds].join(" ");
  return { mode: view.getUint16(28, true), size, changedMs: seconds * 1000 + nanoseconds / 1e6, version };
}
