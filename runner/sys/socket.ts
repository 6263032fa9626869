import { errnoNumber, MAX_DESCRIPTORS_PER_MESSAGE, SeedpodError } from "../base/mod.ts";
import { SysError } from "./error.ts";
import { OwnedFd } from "./fd.ts";
import { addressOf, keepAlive } from "./libc.ts";
import { cString, flag, syscall, trySyscall } from "./syscall.ts";

const CMSG_HEAD_BYTES = 16;

/** Two connected stream sockets, see `socketpair(2)`. */
export function socketPair(): [OwnedFd, OwnedFd] {
  const pair = new Int32Array(new ArrayBuffer(8));
  syscall(
    "make a pair of sockets",
    "socketpair",
    flag("AF_UNIX"),
    flag("SOCK_STREAM", "SOCK_CLOEXEC"),
    0,
    new Uint8Array(pair.buffer),
  );
  return [new OwnedFd(pair[0]!), new OwnedFd(pair[1]!)];
}

/** struct sockaddr_un for a name below a directory descriptor: the kernel's 108 bytes never bind on the depth of a path. */
function socketAddress(directory: OwnedFd, name: string): Uint8Array {
  const path = cString(`/proc/self/fd/${directory.number}/${name}`);
  if (path.length > 108) throw new SeedpodError(`Cannot use a socket named "${name}": the name is too long`);
  const address = new Uint8Array(new ArrayBuffer(2 + path.length));
  new DataView(address.buffer).setUint16(0, flag("AF_UNIX"), true);
  address.set(path, 2);
  return address;
}

function streamSocket(): OwnedFd {
  return new OwnedFd(
    syscall("make a socket", "socket", flag("AF_UNIX"), flag("SOCK_STREAM", "SOCK_CLOEXEC"), 0),
  );
}

/** A listening stream socket in a directory, mode 0600. A file of that name must not be there. */
export function listenUnix(directory: OwnedFd, name: string): OwnedFd {
  const address = socketAddress(directory, name);
  const socket = streamSocket();
  try {
    // fchmod before bind: the file is born with these permissions, no other process ever sees it open wider
    syscall(`protect the socket "${name}"`, "fchmod", socket.number, 0o600);
    syscall(`bind the socket "${name}"`, "bind", socket.number, address, address.length);
    syscall(`listen on the socket "${name}"`, "listen", socket.number, 16);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Connects to a listening socket in a directory; undefined when nobody listens there. */
export function connectUnix(directory: OwnedFd, name: string): OwnedFd | undefined {
  const address = socketAddress(directory, name);
  const socket = streamSocket();
  const result = trySyscall("connect", socket.number, address, address.length);
  if (result === 0) return socket;
  socket.close();
  if (result === -errnoNumber("ENOENT") || result === -errnoNumber("ECONNREFUSED")) return undefined;
  throw new SysError(`connect to the socket "${name}"`, -result);
}

/** struct msghdr with one iovec; the buffers must stay alive while the header is used. */
function messageHeader(payload: Uint8Array, control: Uint8Array): Uint8Array {
  const buffer = new ArrayBuffer(56 + 16);
  const view = new DataView(buffer);
  const header = new Uint8Array(buffer);
  const iov = addressOf(header) + 56;
  view.setBigUint64(16, BigInt(iov), true);
  view.setBigUint64(24, 1n, true);
  if (control.length > 0) {
    view.setBigUint64(32, BigInt(addressOf(control)), true);
    view.setBigUint64(40, BigInt(control.length), true);
  }
  view.setBigUint64(56, BigInt(addressOf(payload)), true);
  view.setBigUint64(64, BigInt(payload.length), true);
  return header;
}

/** Sends bytes with descriptors beside them (SCM_RIGHTS); the descriptors stay open here. */
export function sendWithDescriptors(
  socket: number,
  payload: Uint8Array,
  descriptors: readonly number[],
): void {
  if (descriptors.length > MAX_DESCRIPTORS_PER_MESSAGE) {
    throw new SeedpodError(
      `Cannot pass ${descriptors.length} descriptors at once: the kernel takes ${MAX_DESCRIPTORS_PER_MESSAGE}`,
      { fault: "user", hint: "Use fewer volume mounts in one container" },
    );
  }
  const control = new Uint8Array(
    new ArrayBuffer(descriptors.length === 0 ? 0 : CMSG_HEAD_BYTES + ((descriptors.length * 4 + 7) & ~7)),
  );
  if (descriptors.length > 0) {
    const view = new DataView(control.buffer);
    view.setBigUint64(0, BigInt(CMSG_HEAD_BYTES + descriptors.length * 4), true);
    view.setInt32(8, flag("SOL_SOCKET"), true);
    view.setInt32(12, flag("SCM_RIGHTS"), true);
    descriptors.forEach((fd, index) => view.setInt32(CMSG_HEAD_BYTES + index * 4, fd, true));
  }
  const header = messageHeader(payload, control);
  const sent = syscall("send a message to infra", "sendmsg", socket, header, flag("MSG_NOSIGNAL"));
  keepAlive(payload, control);
  if (sent !== payload.length) throw new SeedpodError("Cannot send a message to infra: it was cut short");
}

/** Reads up to `length` bytes and the descriptors beside them; undefined at the end of the stream. Blocks. */
export function receiveWithDescriptors(
  socket: number,
  length: number,
): { bytes: Uint8Array; descriptors: OwnedFd[] } | undefined {
  const payload = new Uint8Array(new ArrayBuffer(length));
  const control = new Uint8Array(new ArrayBuffer(CMSG_HEAD_BYTES + 64));
  const header = messageHeader(payload, control);
  const received = syscall("read a message of infra", "recvmsg", socket, header, flag("MSG_CMSG_CLOEXEC"));
  if (received === 0) return undefined;
  const view = new DataView(control.buffer);
  const descriptors: OwnedFd[] = [];
  const controlLength = Number(new DataView(header.buffer).getBigUint64(40, true));
  if (controlLength > CMSG_HEAD_BYTES && view.getInt32(12, true) === flag("SCM_RIGHTS")) {
    const end = Number(view.getBigUint64(0, true));
    for (let at = CMSG_HEAD_BYTES; at + 4 <= end; at += 4) {
      descriptors.push(new OwnedFd(view.getInt32(at, true)));
    }
  }
  return { bytes: payload.subarray(0, received), descriptors };
}

/** Bounds how long a blocking read on the socket may take. */
export function setReceiveTimeout(socket: number, ms: number): void {
  const timeval = new BigInt64Array([BigInt(Math.floor(ms / 1000)), BigInt((ms % 1000) * 1000)]);
  const SO_RCVTIMEO = 20;
  syscall(
    "set a time-out",
    "setsockopt",
    socket,
    flag("SOL_SOCKET"),
    SO_RCVTIMEO,
    new Uint8Array(timeval.buffer),
    16,
  );
}
