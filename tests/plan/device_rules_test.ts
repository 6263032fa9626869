import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DEFAULT_DEVICE_RULES,
  type DeviceAccess,
  deviceFilterV2,
  type DeviceRule,
  devicesV1,
  PRIVILEGED_DEVICE_RULES,
} from "../../runner/plan/hardening/mod.ts";
import { type DeviceRequest, runEbpf } from "../support/ebpf_interpreter.ts";

const ACCESSES: readonly DeviceAccess[] = ["r", "w", "m", "rw", "rm", "wm", "rwm"];
const BITS: Record<string, number> = { m: 1, r: 2, w: 4 };

const someNumber = fc.constantFrom<(number | "*")[]>("*", 0, 1, 3, 136, 0xfff);
const someRule: fc.Arbitrary<DeviceRule> = fc.record({
  type: fc.constantFrom("b" as const, "c" as const),
  major: someNumber,
  minor: someNumber,
  access: fc.constantFrom(...ACCESSES),
});
const someRequest: fc.Arbitrary<DeviceRequest> = fc.record({
  type: fc.constantFrom("b" as const, "c" as const),
  access: fc.integer({ min: 1, max: 7 }),
  major: fc.constantFrom(0, 1, 3, 136, 137, 0xfff),
  minor: fc.constantFrom(0, 1, 3, 136, 0xfff, 0xfffff),
});

/** What the rules say: those for the same device add up, and one of the sums must hold the whole access. */
function allowed(rules: readonly DeviceRule[], request: DeviceRequest): boolean {
  const permitted = new Map<string, number>();
  for (const { type, major, minor, access } of rules) {
    if (type === "a") return true;
    if (type !== request.type) continue;
    if (major !== "*" && major !== request.major) continue;
    if (minor !== "*" && minor !== request.minor) continue;
    const device = `${major}:${minor}`;
    const bits = [...access].reduce((sum, letter) => sum | BITS[letter]!, 0);
    permitted.set(device, (permitted.get(device) ?? 0) | bits);
  }
  return [...permitted.values()].some((bits) => (request.access & ~bits) === 0);
}

Deno.test("deviceFilterV2() allows exactly what the rules allow", () => {
  fc.assert(
    fc.property(fc.array(someRule, { maxLength: 12 }), someRequest, (rules, request) => {
      assert.equal(runEbpf(deviceFilterV2(rules), request), allowed(rules, request) ? 1n : 0n);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("deviceFilterV2() opens null and terminals by default, and neither kmsg, disks, tun nor mknod", () => {
  const program = deviceFilterV2(DEFAULT_DEVICE_RULES);
  const run = (type: "b" | "c", major: number, minor: number, access: number) =>
    runEbpf(program, { type, major, minor, access }) === 1n;
  for (
    const [major, minor] of [[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 2], [136, 0], [
      136,
      7,
    ]] as const
  ) {
    assert.ok(run("c", major, minor, BITS.r! | BITS.w!), `c ${major}:${minor}`);
    assert.ok(!run("c", major, minor, BITS.m!), `mknod of c ${major}:${minor}`);
  }
  for (
    const [type, major, minor] of [["c", 1, 11], ["c", 1, 1], ["b", 8, 0], ["b", 1, 3], [
      "c",
      10,
      200,
    ]] as const
  ) {
    assert.ok(!run(type, major, minor, BITS.r!), `${type} ${major}:${minor}`);
  }
});

Deno.test("deviceFilterV2() with no rules refuses every device", () => {
  fc.assert(fc.property(someRequest, (request) => assert.equal(runEbpf(deviceFilterV2([]), request), 0n)));
});

Deno.test("deviceFilterV2() allows a privileged container every device", () => {
  fc.assert(fc.property(someRequest, (request) => {
    assert.equal(runEbpf(deviceFilterV2(PRIVILEGED_DEVICE_RULES), request), 1n);
  }));
});

Deno.test("devicesV1() denies all before it allows anything, and adds up rules for one device", () => {
  const rules: DeviceRule[] = [
    { type: "c", major: 1, minor: 3, access: "r" },
    { type: "b", major: 8, minor: "*", access: "rm" },
    { type: "c", major: 1, minor: 3, access: "w" },
  ];
  assert.deepEqual(devicesV1(rules), [
    { file: "devices.deny", value: "a *:* rwm" },
    { file: "devices.allow", value: "c 1:3 rw" },
    { file: "devices.allow", value: "b 8:* rm" },
  ]);
});

Deno.test("devicesV1() of a privileged container is one allowance of everything", () => {
  assert.deepEqual(devicesV1(PRIVILEGED_DEVICE_RULES), [{ file: "devices.allow", value: "a *:* rwm" }]);
});

Deno.test("devicesV1() and deviceFilterV2() refuse numbers that no device can have", () => {
  for (const [major, minor] of [[-1, 0], [4096, 0], [1.5, 0], [1, 1 << 20], [NaN, 0]] as const) {
    const rules: DeviceRule[] = [{ type: "c", major, minor, access: "rwm" }];
    assert.throws(() => devicesV1(rules), {
      name: "SeedpodError",
      message: /^Cannot compile device rule: m/,
    });
    assert.throws(() => deviceFilterV2(rules), { name: "SeedpodError" });
  }
});
