import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_PROGRAM_STEPS, PROGRAM_HEAD_BYTES, PROGRAM_MAGIC, STEP_BYTES } from "../../runner/plan/mod.ts";
import { syscallNumber } from "../../runner/base/mod.ts";
import { connectUnix, HOST_ARCH, openMemfd, sendWithDescriptors } from "../../runner/sys/mod.ts";
import { openDirectory, openPipe, shell, type TestClient, TestInfra, until } from "../support/infra_pod.ts";

const ignore = Deno.uid() !== 0;
const MESSAGE_BYTES = 128;
const SHUTDOWN = 6;
const RUNS = 300;

/** Any 32-bit number, often one that means something. */
const word = fc.oneof(
  fc.integer({ min: 0, max: 8 }),
  fc.constantFrom(-1, 0x7fffffff, -0x80000000, 127, 128, 253, 254, 255),
  fc.integer({ min: -0x80000000, max: 0x7fffffff }),
);

/** A message of any content but a shutdown; sometimes cut short. */
const anyMessage = fc.record({
  type: fc.oneof(fc.integer({ min: 0, max: 5 }), word).filter((type) => type !== SHUTDOWN),
  words: fc.array(word, { minLength: 31, maxLength: 31 }),
  namespacesOnly: fc.boolean(),
  descriptors: fc.integer({ min: 0, max: 6 }),
  length: fc.oneof({ weight: 9, arbitrary: fc.constant(MESSAGE_BYTES) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 127 }),
  }),
});

/** Calls that harm nobody whatever their arguments are. */
const HARMLESS = (["getpid", "close", "dup3", "lseek", "fcntl", "read", "pipe2", "close_range"] as const)
  .map((name) => syscallNumber(name, HOST_ARCH));

const anyStep = fc.record({
  nr: fc.constantFrom(...HARMLESS),
  op: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 2 }) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 0xffff }),
  }),
  halves: fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 }),
  store: word,
  kinds: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 }),
  args: fc.array(word, { minLength: 6, maxLength: 6 }),
});

const anyProgram = fc.record({
  head: fc.array(fc.option(word, { nil: undefined, freq: 4 }), { minLength: 7, maxLength: 7 }),
  steps: fc.array(anyStep, { maxLength: 12 }),
  relocations: fc.array(word, { maxLength: 4 }),
});

type Values<T> = T extends fc.Arbitrary<infer U> ? U : never;

function messageBytes({ type, words, namespacesOnly, length }: Values<typeof anyMessage>): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(MESSAGE_BYTES));
  const view = new DataView(bytes.buffer);
  [type, ...words].forEach((value, index) => view.setInt32(index * 4, value, true));
  if (namespacesOnly) view.setBigUint64(16, 0n, true);
  return bytes.subarray(0, length);
}

/** A laid out program, each word of whose head may be replaced. */
function programBytes({ head, steps, relocations }: Values<typeof anyProgram>): Uint8Array {
  const relocationsAt = PROGRAM_HEAD_BYTES + steps.length * STEP_BYTES;
  const resultsAt = (relocationsAt + relocations.length * 4 + 7) & ~7;
  const size = resultsAt + steps.length * 8 + 64;
  const bytes = new Uint8Array(new ArrayBuffer(size));
  const view = new DataView(bytes.buffer);
  [PROGRAM_MAGIC, size, steps.length, relocations.length, PROGRAM_HEAD_BYTES, relocationsAt, resultsAt]
    .forEach((value, index) => view.setInt32(index * 4, head[index] ?? value, true));
  steps.forEach(({ nr, op, halves, store, kinds, args }, index) => {
    const at = PROGRAM_HEAD_BYTES + index * STEP_BYTES;
    [nr, op, ...halves].forEach((value, slot) => view.setUint16(at + slot * 2, value, true));
    view.setInt32(at + 12, store, true);
    kinds.forEach((value, slot) => view.setUint8(at + 16 + slot, value));
    args.forEach((value, slot) => view.setBigInt64(at + 24 + slot * 8, BigInt(value), true));
  });
  relocations.forEach((value, index) => view.setInt32(relocationsAt + index * 4, value, true));
  return bytes;
}

/** infra serves: a command runs to its end in it. Makes room in the table first. */
async function assertServes(client: TestClient, id: bigint): Promise<void> {
  for (const process of await client.list()) {
    client.client.kill(process.id, 9);
    if (process.state === "exited") client.client.ack(process.id);
  }
  await until(async () => {
    for (const process of await client.list()) if (process.state === "exited") client.client.ack(process.id);
    return (await client.list()).length === 0;
  });
  assert.equal(await client.run(id, shell("exit 6")), 6 << 8);
}

Deno.test({ name: "no message makes infra exit or hang", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  let id = 1n << 60n;
  const [read, write] = openPipe();
  using directory = openDirectory(infra.directory);
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyMessage, { minLength: 1, maxLength: 8 }),
      anyProgram,
      async (messages, program) => {
        using memfd = openMemfd("program", programBytes(program));
        using connection = connectUnix(infra.directoryFd, "infra.sock");
        assert.ok(connection);
        const fds = [memfd, read, write, directory, memfd, read].map((fd) => fd.number);
        for (const message of messages) {
          sendWithDescriptors(connection.number, messageBytes(message), fds.slice(0, message.descriptors));
          if (message.length < MESSAGE_BYTES) break;
        }
        assert.ok(infra.alive);
        await assertServes(client, id++);
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test({ name: "no program makes infra exit or hang: it can only crash the child", ignore }, async () => {
  using infra = new TestInfra();
  using client = infra.connect();
  let id = 1n;
  await fc.assert(
    fc.asyncProperty(anyProgram, async (program) => {
      using memfd = openMemfd("program", programBytes(program));
      client.client.spawn({ id, cloneFlags: 0 }, memfd, []);
      client.client.kill(id, 9); // it may wait for ever in a read or a reaper
      id++;
      assert.ok(infra.alive);
      await assertServes(client, 1n << 60n | id);
    }),
    { numRuns: RUNS },
  );
});

Deno.test(
  { name: "a program that says it has too many steps is refused before anything runs", ignore },
  async () => {
    using infra = new TestInfra();
    using client = infra.connect();
    const bytes = programBytes({
      head: [undefined, undefined, MAX_PROGRAM_STEPS + 1],
      steps: [],
      relocations: [],
    });
    using memfd = openMemfd("program", bytes);
    client.client.spawn({ id: 1n, cloneFlags: 0 }, memfd, []);
    assert.deepEqual([(await client.event("failed", 1n)).step], [-1]);
  },
);
