/** Unix sockets that carry descriptors. */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { MAX_DESCRIPTORS_PER_MESSAGE } from "../../runner/base/mod.ts";
import {
  connectUnix,
  cString,
  flag,
  listenUnix,
  makePipe,
  OwnedFd,
  receiveWithDescriptors,
  sendWithDescriptors,
  setReceiveTimeout,
  socketPair,
  syscall,
} from "../../runner/sys/mod.ts";
import { leakTest } from "./_descriptors.ts";

const HELLO = new TextEncoder().encode("hello");

function openDirectory(path: string): OwnedFd {
  const how = flag("O_RDONLY", "O_DIRECTORY", "O_CLOEXEC");
  return new OwnedFd(syscall("open", "openat", flag("AT_FDCWD"), cString(path), how, 0));
}

leakTest("sendWithDescriptors() passes bytes and descriptors, which the receiver owns", () => {
  const [left, right] = socketPair();
  using _left = left;
  using _right = right;
  const [read, write] = makePipe();
  using _read = read;
  using _write = write;
  sendWithDescriptors(left.number, HELLO, [write.number]);
  const got = receiveWithDescriptors(right.number, 100);
  deepStrictEqual(got?.bytes, HELLO);
  strictEqual(got?.descriptors.length, 1);
  using passed = got!.descriptors[0]!;
  strictEqual(syscall("ask", "fcntl", passed.number, 1), 1, "it would be inherited");
  syscall("write", "write", passed.number, HELLO, HELLO.length);
  const room = new Uint8Array(10);
  strictEqual(syscall("read", "read", read.number, room, room.length), HELLO.length);
});

leakTest("sendWithDescriptors() passes as many as the kernel takes, and refuses one more", () => {
  strictEqual(MAX_DESCRIPTORS_PER_MESSAGE, 253);
  const [left, right] = socketPair();
  using _left = left;
  using _right = right;
  const same = (count: number): number[] => Array(count).fill(left.number);
  sendWithDescriptors(left.number, HELLO, same(253));
  throws(() => sendWithDescriptors(left.number, HELLO, same(254)), /Cannot pass 254 descriptors at once/);
  const got = receiveWithDescriptors(right.number, 100);
  deepStrictEqual(got?.bytes, HELLO);
  // a receiver has room for 16: the kernel closes what does not fit
  for (const fd of got!.descriptors) fd.close();
  ok(got!.descriptors.length >= 1 && got!.descriptors.length <= 16);
});

leakTest("receiveWithDescriptors() is undefined at the end of the stream", () => {
  const [left, right] = socketPair();
  using _right = right;
  left.close();
  strictEqual(receiveWithDescriptors(right.number, 10), undefined);
});

leakTest("sendWithDescriptors() fails without a signal when nobody reads any more", () => {
  const [left, right] = socketPair();
  using _left = left;
  right.close();
  throws(() => sendWithDescriptors(left.number, HELLO, []), /Broken pipe \(EPIPE\)/);
});

leakTest("setReceiveTimeout() bounds a read that nobody answers", () => {
  const [left, right] = socketPair();
  using _left = left;
  using _right = right;
  setReceiveTimeout(right.number, 20);
  const beganMs = performance.now();
  throws(() => receiveWithDescriptors(right.number, 10), /\(EAGAIN\)/);
  ok(performance.now() - beganMs >= 15);
});

leakTest("listenUnix() makes a socket that only its owner can connect to, and connectUnix() finds it", () => {
  // deeper than the 108 bytes of a socket's address
  const base = Deno.makeTempDirSync();
  const path = `${base}/${"d".repeat(100)}/${"e".repeat(100)}`;
  Deno.mkdirSync(path, { recursive: true });
  using directory = openDirectory(path);
  strictEqual(connectUnix(directory, "s.sock"), undefined, "there is nobody");
  {
    using _listener = listenUnix(directory, "s.sock");
    strictEqual(Deno.statSync(`${path}/s.sock`).mode! & 0o777, 0o600);
    using connection = connectUnix(directory, "s.sock");
    ok(connection);
    throws(() => listenUnix(directory, "s.sock"), /Address already in use/);
  }
  strictEqual(connectUnix(directory, "s.sock"), undefined, "nobody listens any more");
  Deno.removeSync(base, { recursive: true });
});

leakTest("a socket's name that is too long is refused, and nothing stays open", () => {
  using directory = openDirectory("/tmp");
  for (const use of [listenUnix, connectUnix]) {
    throws(() => use(directory, "n".repeat(100)), /the name is too long/);
  }
});
