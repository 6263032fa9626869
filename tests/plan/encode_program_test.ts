/** The bytes of a program are what `struct program` and `struct step` of infra.c say. */
import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { type Arch, errnoNumber, flagValue, syscallNumber } from "../../runner/base/mod.ts";
import {
  type Arg,
  ARG_KIND,
  bytes,
  call,
  type Data,
  type EncodedProgram,
  encodeProgram,
  MAX_PROGRAM_STEPS,
  type Program,
  PROGRAM_HEAD_BYTES,
  PROGRAM_MAGIC,
  ProgramBuilder,
  resultOf,
  type Step,
  STEP_BYTES,
  STEP_OP,
  type StepOptions,
  text,
  vector,
} from "../../runner/plan/mod.ts";
import { cEnums, cStruct, CView, INFRA_C } from "../infra/_c_layout.ts";

const HEAD = cStruct(INFRA_C, "program");
const STEP = cStruct(INFRA_C, "step");
const ENUMS = cEnums(INFRA_C);

Deno.test("encodeProgram() and infra.c agree on sizes and numbers", () => {
  strictEqual(HEAD.bytes, PROGRAM_HEAD_BYTES);
  strictEqual(STEP.bytes, STEP_BYTES);
  strictEqual(ENUMS.get("PROGRAM_MAGIC"), PROGRAM_MAGIC);
  strictEqual(ENUMS.get("MAX_STEPS"), MAX_PROGRAM_STEPS);
  deepStrictEqual(STEP_OP, {
    call: ENUMS.get("OP_CALL"),
    check: ENUMS.get("OP_CHECK"),
    reapBelow: ENUMS.get("OP_REAP_BELOW"),
  });
  deepStrictEqual(ARG_KIND, {
    int: ENUMS.get("ARG_INT"),
    data: ENUMS.get("ARG_DATA"),
    result: ENUMS.get("ARG_RESULT"),
    passed: ENUMS.get("ARG_PASSED"),
  });
});

/** What chance says of a step; numbers are taken modulo what there is. */
const stepGiven = fc.record({
  action: fc.constantFrom("call", "call", "call", "check", "reap"),
  args: fc.array(fc.tuple(fc.nat(5), fc.nat()), { maxLength: 6 }),
  tolerate: fc.subarray(["EEXIST", "ENOENT"] as const),
  skip: fc.nat(3),
  into: fc.option(fc.nat()),
  store: fc.option(fc.nat()),
});
type StepGiven = typeof stepGiven extends fc.Arbitrary<infer T> ? T : never;

const someData = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.array(fc.string(), { maxLength: 4 })),
  {
    minLength: 1,
    maxLength: 5,
  },
);

function programOf(given: readonly StepGiven[], blocks: readonly (Uint8Array | string[])[]): Program {
  const data = blocks.map((block) => block instanceof Uint8Array ? bytes(block, "{}") : vector(block));
  const room = bytes(new Uint8Array(16), "{room}");
  const builder = new ProgramBuilder();
  const steps: Step[] = [];
  const earlier = (n: number): Step => steps[n % steps.length]!;
  for (const { action, args, tolerate, skip, into, store } of given) {
    const options: StepOptions = {
      tolerate,
      skipOnSuccess: skip,
      ...(into !== null && steps.length > 0 ? { resultInto: earlier(into) } : {}),
      ...(store === null ? {} : { store: { in: room, at: store % 12 } }),
    };
    const list = args.map(([kind, n]): Arg | number | bigint =>
      kind === 0
        ? n
        : kind === 1
        ? -BigInt(n)
        : kind === 2
        ? data[n % data.length]!
        : kind === 3 && steps.length > 0
        ? resultOf(earlier(n))
        : kind === 4
        ? { kind: "passed", index: n % 253, text: "fd" }
        : { kind: "flags", names: ["O_DIRECTORY", "O_NOFOLLOW"] }
    );
    const children = steps.length > 0 ? resultOf(earlier(0)) : undefined;
    const what = action === "check"
      ? { check: room, offset: 4, mask: 0xf000, equals: 0x4000, errno: "ENOTDIR" as const }
      : action === "reap" && children
      ? { reapBelow: true as const, children }
      : call("openat", ...list);
    steps.push(builder.add("do something", what, options));
  }
  return builder.build();
}

function argAs(program: Program, encoded: EncodedProgram, arg: Arg, arch: Arch): [number, bigint] {
  switch (arg.kind) {
    case "int":
      return [ARG_KIND.int, BigInt(arg.value)];
    case "flags":
      return [ARG_KIND.int, BigInt(flagValue(arg.names, arch))];
    case "data":
      return [ARG_KIND.data, BigInt(encoded.offsetOf.get(arg)!)];
    case "result":
      return [ARG_KIND.result, BigInt(program.steps.indexOf(arg.step))];
    case "passed":
      return [ARG_KIND.passed, BigInt(arg.index)];
  }
}

function checkStep(program: Program, encoded: EncodedProgram, index: number, arch: Arch): void {
  const head = new CView(encoded.bytes, 0, HEAD.fields);
  const c = new CView(encoded.bytes, head.number("steps_at") + index * STEP.bytes, STEP.fields);
  const step = program.steps[index]!;
  const { action } = step;
  deepStrictEqual(
    [c.number("tolerate", 0), c.number("tolerate", 1)],
    [0, 1].map((slot) => step.tolerate?.[slot] ? errnoNumber(step.tolerate[slot]) : 0),
  );
  strictEqual(c.number("skip"), step.skipOnSuccess ?? 0);
  strictEqual(c.number("reg"), step.resultInto ? program.steps.indexOf(step.resultInto) : index);
  strictEqual(c.number("store"), step.store ? encoded.offsetOf.get(step.store.in)! + step.store.at : 0);
  const args = [0, 1, 2, 3, 4, 5].map((slot) => [c.number("kind", slot), c.get("arg", slot)]);
  const nothing = [ARG_KIND.int, 0n];
  if ("call" in action) {
    deepStrictEqual([c.number("op"), c.number("nr")], [STEP_OP.call, syscallNumber(action.call, arch)]);
    const wanted = action.args.map((arg) => argAs(program, encoded, arg, arch));
    deepStrictEqual(args, [...wanted, ...Array(6 - wanted.length).fill(nothing)]);
  } else if ("check" in action) {
    strictEqual(c.number("op"), STEP_OP.check);
    deepStrictEqual(args.slice(0, 4), [
      [ARG_KIND.data, BigInt(encoded.offsetOf.get(action.check)! + action.offset)],
      [ARG_KIND.int, BigInt(action.mask)],
      [ARG_KIND.int, BigInt(action.equals)],
      [ARG_KIND.int, BigInt(errnoNumber(action.errno))],
    ]);
  } else {
    strictEqual(c.number("op"), STEP_OP.reapBelow);
    deepStrictEqual(args[0], argAs(program, encoded, action.children, arch));
  }
}

function checkData(encoded: EncodedProgram): void {
  const view = new DataView(encoded.bytes.buffer);
  const relocated = new Set<number>();
  const places = [...encoded.offsetOf].toSorted(([, a], [, b]) => a - b);
  let end = 0;
  for (const [data, at] of places as [Data, number][]) {
    ok(at >= end && at % 8 === 0, "data overlaps, or is not aligned");
    end = at + data.bytes.length;
    for (const pointer of data.pointers ?? []) {
      strictEqual(view.getBigUint64(at + pointer.at, true), BigInt(encoded.offsetOf.get(pointer.to)!));
      relocated.add(at + pointer.at);
    }
    if (!data.pointers?.length) deepStrictEqual(encoded.bytes.slice(at, end), new Uint8Array(data.bytes));
  }
  ok(end <= encoded.bytes.length);
  deepStrictEqual(new Set(encoded.relocations), relocated);
}

Deno.test("encodeProgram() lays every program out as infra.c reads it", () => {
  fc.assert(
    fc.property(
      fc.array(stepGiven, { maxLength: 20 }),
      someData,
      fc.constantFrom<Arch>("x86_64", "aarch64"),
      (given, blocks, arch) => {
        const program = programOf(given, blocks);
        const encoded = encodeProgram(program, arch);
        const head = new CView(encoded.bytes, 0, HEAD.fields);
        strictEqual(head.number("magic"), PROGRAM_MAGIC);
        strictEqual(head.number("size"), encoded.bytes.length);
        strictEqual(head.number("steps"), program.steps.length);
        strictEqual(head.number("relocs"), encoded.relocations.length);
        strictEqual(head.number("results_at"), encoded.resultsAt);
        const relocations = new DataView(encoded.bytes.buffer, head.number("relocs_at"));
        encoded.relocations.forEach((at, index) => strictEqual(relocations.getUint32(index * 4, true), at));
        program.steps.forEach((_, index) => checkStep(program, encoded, index, arch));
        checkData(encoded);
      },
    ),
    { numRuns: 300, seed: 1 },
  );
});

Deno.test("encodeProgram() begins with -1 as every result: that of a step which is passed over", () => {
  const builder = new ProgramBuilder();
  for (let n = 0; n < 3; n++) builder.add("do nothing", call("getpid"));
  const { bytes: all, resultsAt } = encodeProgram(builder.build(), "x86_64");
  deepStrictEqual(new BigInt64Array(all.buffer, resultsAt, 3), new BigInt64Array([-1n, -1n, -1n]));
});

Deno.test("encodeProgram() lays the same data out once", () => {
  const builder = new ProgramBuilder();
  const path = text("/same");
  for (let n = 0; n < 3; n++) builder.add("open", call("openat", "AT_FDCWD", path, 0, 0));
  strictEqual(encodeProgram(builder.build(), "x86_64").offsetOf.size, 1);
});

Deno.test("encodeProgram() refuses what does not fit", () => {
  const steps = (count: number): Program => {
    const builder = new ProgramBuilder();
    for (let n = 0; n < count; n++) builder.add("do nothing", call("getpid"));
    return builder.build();
  };
  strictEqual(encodeProgram(steps(MAX_PROGRAM_STEPS), "x86_64").relocations.length, 0);
  throws(() => encodeProgram(steps(MAX_PROGRAM_STEPS + 1), "x86_64"), /it has 4097 steps, at most 4096/);
  const one = (action: ReturnType<typeof call>, options: StepOptions = {}): Program => {
    const builder = new ProgramBuilder();
    builder.add("do it", action, options);
    return builder.build();
  };
  throws(() => encodeProgram(one(call("getpid", 1, 2, 3, 4, 5, 6, 7)), "x86_64"), /step "do it"/);
  const three = { tolerate: ["ENOENT", "EEXIST", "EPERM"] as const };
  throws(() => encodeProgram(one(call("getpid"), three), "x86_64"), /step "do it"/);
  const foreign = resultOf({ name: "elsewhere", action: call("getpid") });
  throws(() => encodeProgram(one(call("close", foreign)), "x86_64"), /step "elsewhere" is not in it/);
});
