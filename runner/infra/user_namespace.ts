import { INFRA_REPLY_TIMEOUT_MS, SeedpodError } from "../base/mod.ts";
import { call, encodeProgram, ProgramBuilder } from "../plan/mod.ts";
import {
  cString,
  flag,
  HOST_ARCH,
  openMemfd,
  OwnedFd,
  receiveWithDescriptors,
  sendWithDescriptors,
  setReceiveTimeout,
  socketPair,
  spawnExecutable,
  syscall,
  waitChild,
} from "../sys/mod.ts";
import { infraExecutable } from "./binary.ts";
import { decodeEvent, encodeSpawn, MESSAGE_BYTES } from "./protocol.ts";

/** The ids of a user namespace: `count` ids from 0 on inside are `firstHostId` and following outside. */
export interface IdRange {
  readonly firstHostId: number;
  readonly count: number;
}

/**
 * Makes a user namespace with its maps and gives a descriptor of it. The namespace is held by a child that waits on a
 * socket until the descriptor is open; `user_namespaces(7)` wants the maps to be written from outside.
 */
export function makeUserNamespace(range: IdRange): OwnedFd {
  const [ours, theirs] = socketPair();
  using _ours = ours;
  const pid = spawnExecutable(infraExecutable(), "infra", new Map([[3, theirs]]));
  theirs.close();
  const [gate, waiting] = socketPair();
  try {
    const builder = new ProgramBuilder();
    const room = { kind: "data" as const, bytes: new Uint8Array(8), text: "<nothing>" };
    builder.add("wait for the id maps", call("read", { kind: "passed", index: 1, text: "gate" }, room, 1));
    using program = openMemfd("program", encodeProgram(builder.build(), HOST_ARCH).bytes);
    const request = encodeSpawn({ id: 1n, cloneFlags: flag("CLONE_NEWUSER"), tellPid: true });
    sendWithDescriptors(ours.number, request, [program.number, waiting.number]);
    waiting.close();
    const holder = holderOf(ours);
    const line = `0 ${range.firstHostId} ${range.count}\n`;
    Deno.writeTextFileSync(`/proc/${holder}/uid_map`, line, { create: false });
    Deno.writeTextFileSync(`/proc/${holder}/gid_map`, line, { create: false });
    const path = cString(`/proc/${holder}/ns/user`);
    const how = flag("O_RDONLY", "O_CLOEXEC");
    return new OwnedFd(syscall("open a user namespace", "openat", flag("AT_FDCWD"), path, how, 0));
  } finally {
    gate.close();
    ours.close();
    waitChild(pid);
  }
}

/** The PID of the child that holds the namespace, as soon as it exists. */
function holderOf(socket: OwnedFd): number {
  setReceiveTimeout(socket.number, INFRA_REPLY_TIMEOUT_MS);
  const answer = receiveWithDescriptors(socket.number, MESSAGE_BYTES);
  const event = answer && decodeEvent(answer.bytes);
  if (event?.type === "state") return event.pid;
  const errno = event?.type === "failed" ? ` (errno ${event.errno})` : "";
  throw new SeedpodError(`Cannot make a user namespace: infra did not start its holder${errno}`, {
    hint: "See /proc/sys/user/max_user_namespaces",
  });
}
