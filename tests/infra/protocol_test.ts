/** The messages' bytes are what `struct message` of infra.c says. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  decodeEvent,
  encodeAck,
  encodeKill,
  encodeList,
  encodeShutdown,
  encodeSpawn,
  encodeTakeFd,
  MESSAGE_BYTES,
} from "../../runner/infra/protocol.ts";
import { MAX_DESCRIPTORS_PER_MESSAGE } from "../../runner/base/mod.ts";
import { cEnums, cStruct, CView, INFRA_C } from "./_c_layout.ts";

const MESSAGE = cStruct(INFRA_C, "message");
const ENUMS = cEnums(INFRA_C);
const number = (name: string): number => ENUMS.get(name) ?? NaN;
const read = (bytes: Uint8Array): CView => new CView(bytes, 0, MESSAGE.fields);

/** The members of a message that are not zero, or not -1 where that says "none". */
function said(bytes: Uint8Array): Record<string, bigint> {
  const view = read(bytes);
  const indexes = ["cgroup", "out", "err", "logdir", "keep"];
  return Object.fromEntries(
    [...MESSAGE.fields].flatMap(([name, { count }]) =>
      Array.from({ length: count }, (_, slot): [string, bigint] => [
        count > 1 ? `${name}[${slot}]` : name,
        view.get(name, slot),
      ]).filter(([, value]) => value !== (indexes.includes(name) ? -1n : 0n))
    ),
  );
}

Deno.test("messages are as large as struct message, and pass as many descriptors", () => {
  strictEqual(MESSAGE.bytes, MESSAGE_BYTES);
  strictEqual(number("MAX_FDS"), MAX_DESCRIPTORS_PER_MESSAGE);
});

Deno.test("encodeSpawn() puts every setting where infra.c reads it", () => {
  const bytes = encodeSpawn({
    id: 0x1122334455667788n,
    cloneFlags: 0x8c000000,
    ownPidNamespace: true,
    ephemeral: true,
    tellPid: true,
    userNamespace: 9,
    enter: 0x99n,
    cgroup: 1,
    stdout: 2,
    stderr: 3,
    log: { directory: 4, attempt: 5, maxBytes: 6_000_000_000, maxFiles: 7 },
    keep: [10, 11],
  });
  deepStrictEqual(said(bytes), {
    type: BigInt(number("REQ_SPAWN")),
    flags: BigInt(number("FLAG_OWN_PIDNS") | number("FLAG_EPHEMERAL") | number("FLAG_TELL_PID")),
    id: 0x1122334455667788n,
    clone_flags: 0x8c000000n,
    enter: 0x99n,
    cgroup: 1n,
    out: 2n,
    err: 3n,
    logdir: 4n,
    "keep[0]": 10n,
    "keep[1]": 11n,
    attempt: 5n,
    max_files: 7n,
    max_bytes: 6_000_000_000n,
    user_namespace: 9n,
  });
});

Deno.test("encodeSpawn() says none of what is left out", () => {
  deepStrictEqual(said(encodeSpawn({ id: 1n, cloneFlags: 0 })), {
    type: BigInt(number("REQ_SPAWN")),
    id: 1n,
    max_files: BigInt(number("MIN_FILES")),
    user_namespace: -1n,
  });
});

for (
  const [it, bytes, type, rest] of [
    ["encodeAck()", encodeAck(7n), "REQ_ACK", { id: 7n }],
    ["encodeKill()", encodeKill(7n, 15), "REQ_KILL", { id: 7n, signal: 15n }],
    ["encodeList()", encodeList(7n), "REQ_LIST", { id: 7n }],
    ["encodeTakeFd()", encodeTakeFd(7n), "REQ_TAKE_FD", { id: 7n }],
    ["encodeShutdown()", encodeShutdown(), "REQ_SHUTDOWN", {}],
  ] as const
) {
  Deno.test(`${it} is infra's ${type}`, () => {
    deepStrictEqual(said(bytes), { type: BigInt(number(type)), ...rest });
  });
}

/** A reply of infra with every member set to something else. */
function reply(type: string): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  read(bytes).set("type", number(type)).set("id", 7n).set("pid", 8).set("status", 9).set("step", 10).set(
    "error",
    11,
  )
    .set("state", number("EXITED")).set("started_ns", 12_000_000n).set("finished_ns", 13_000_000n)
    .set("dropped_bytes", 14n);
  return bytes;
}

for (
  const [type, event] of [
    ["REP_SPAWNED", { type: "spawned", id: 7n, pid: 8 }],
    ["REP_FAILED", { type: "failed", id: 7n, step: 10, errno: 11 }],
    ["REP_EXITED", { type: "exited", id: 7n, waitStatus: 9, finishedMs: 13, droppedBytes: 14 }],
    ["REP_STATE", {
      type: "state",
      id: 7n,
      pid: 8,
      state: "exited",
      startedMs: 12,
      waitStatus: 9,
      finishedMs: 13,
      droppedBytes: 14,
    }],
    ["REP_END", { type: "end", id: 7n }],
    ["REP_FD", { type: "fd", id: 7n }],
  ] as const
) {
  Deno.test(`decodeEvent() reads infra's ${type}`, () => deepStrictEqual(decodeEvent(reply(type)), event));
}

Deno.test("decodeEvent() knows infra's states, its -1 for no step, and nothing of other types", () => {
  for (
    const [name, state] of [["STARTING", "starting"], ["RUNNING", "running"], ["EXITED", "exited"]] as const
  ) {
    const bytes = reply("REP_STATE");
    read(bytes).set("state", number(name));
    const event = decodeEvent(bytes);
    strictEqual(event?.type === "state" && event.state, state);
  }
  const failed = reply("REP_FAILED");
  read(failed).set("step", number("NO_STEP"));
  const event = decodeEvent(failed);
  strictEqual(event?.type === "failed" && event.step, -1);
  const other = reply("REP_FD");
  read(other).set("type", 99);
  strictEqual(decodeEvent(other), undefined);
});
