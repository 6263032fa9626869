import assert from "node:assert/strict";
import { SeedpodError } from "../../runner/base/mod.ts";
import {
  boundingDrops,
  capabilitiesIn,
  CAPABILITY_NAMES,
  capabilityMask,
  type CapabilityName,
  capabilityNamed,
  capabilityNumber,
  type CapabilityRequest,
  capabilitySets,
  DEFAULT_CAPABILITIES,
  encodeCapData,
  encodeCapHeader,
} from "../../runner/plan/hardening/mod.ts";

const LAST_CAP = 40;

function setsOf(request: CapabilityRequest, hostLastCap = LAST_CAP, hostBounding?: bigint) {
  const sets = capabilitySets(request, hostLastCap, hostBounding);
  assert.ok(!(sets instanceof SeedpodError), String(sets));
  return sets;
}

function namesOf(add: string[], drop: string[]): CapabilityName[] {
  return [...capabilitiesIn(setsOf({ capabilities: { add, drop } }).bounding)];
}

Deno.test("capabilityNumber() is the kernel's number", () => {
  assert.equal(CAPABILITY_NAMES.length, 41);
  assert.equal(capabilityNumber("CAP_CHOWN"), 0);
  assert.equal(capabilityNumber("CAP_NET_ADMIN"), 12);
  assert.equal(capabilityNumber("CAP_SYS_ADMIN"), 21);
  assert.equal(capabilityNumber("CAP_CHECKPOINT_RESTORE"), 40);
});

Deno.test("capabilityNamed() takes Kubernetes' and the kernel's spelling", () => {
  assert.equal(capabilityNamed("NET_ADMIN"), "CAP_NET_ADMIN");
  assert.equal(capabilityNamed("CAP_NET_ADMIN"), "CAP_NET_ADMIN");
  assert.equal(capabilityNamed("net_admin"), "CAP_NET_ADMIN");
  assert.equal(capabilityNamed("NET_ADMINS"), undefined);
  assert.equal(capabilityNamed("CAP_CAP_CHOWN"), undefined);
  assert.equal(capabilityNamed(""), undefined);
});

Deno.test("capabilitySets() gives the default set alike to bounding, permitted and effective", () => {
  const sets = setsOf({});
  assert.deepEqual(capabilitiesIn(sets.bounding), new Set(DEFAULT_CAPABILITIES));
  assert.equal(sets.bounding, 0x8004_05fbn);
  assert.equal(sets.permitted, sets.bounding);
  assert.equal(sets.effective, sets.bounding);
});

Deno.test("capabilitySets() drops ALL before it adds", () => {
  assert.deepEqual(namesOf(["NET_ADMIN"], ["ALL"]), ["CAP_NET_ADMIN"]);
  assert.deepEqual(namesOf([], ["all"]), []);
});

Deno.test("capabilitySets() adds ALL before it drops", () => {
  assert.deepEqual(namesOf(["ALL"], ["CHOWN"]), CAPABILITY_NAMES.slice(1));
});

Deno.test("capabilitySets() lets the drop win where ALL or a name is in both lists", () => {
  assert.deepEqual(namesOf(["ALL"], ["ALL"]), []);
  assert.deepEqual(namesOf(["ALL", "KILL"], ["ALL"]), ["CAP_KILL"]);
  assert.ok(!namesOf(["NET_RAW"], ["NET_RAW"]).includes("CAP_NET_RAW"));
});

Deno.test("capabilitySets() gives a privileged container what the kernel has, whatever it adds and drops", () => {
  assert.equal(setsOf({ privileged: true, capabilities: { drop: ["ALL"] } }).bounding, (1n << 41n) - 1n);
  assert.equal(setsOf({ privileged: true }, 37).bounding, (1n << 38n) - 1n);
});

Deno.test("capabilitySets() cannot give what the host's bounding set lacks", () => {
  const host = (1n << 41n) - 1n - capabilityMask(["CAP_SYS_RESOURCE", "CAP_CHOWN"]);
  assert.equal(setsOf({ privileged: true }, LAST_CAP, host).bounding, host);
  assert.equal(setsOf({ capabilities: { add: ["ALL"] } }, LAST_CAP, host).bounding, host);
  assert.ok(!capabilitiesIn(setsOf({}, LAST_CAP, host).bounding).has("CAP_CHOWN"));
  const refused = capabilitySets({ capabilities: { add: ["SYS_RESOURCE"] } }, LAST_CAP, host);
  assert.ok(refused instanceof SeedpodError);
  assert.equal(refused.message, 'Cannot add capability "CAP_SYS_RESOURCE": this host does not have it');
  assert.ok(capabilitySets({ capabilities: { add: ["BPF"] } }, 37) instanceof SeedpodError);
});

Deno.test("capabilitySets() answers an unknown name with an error", () => {
  for (const [verb, capabilities] of [["add", { add: ["FLY"] }], ["drop", { drop: ["FLY"] }]] as const) {
    const refused = capabilitySets({ capabilities }, LAST_CAP);
    assert.ok(refused instanceof SeedpodError);
    assert.equal(refused.message, `Cannot ${verb} capability "FLY": there is no such capability`);
    assert.equal(refused.fault, "user");
  }
});

Deno.test("boundingDrops() names every number outside the bounding set", () => {
  const sets = setsOf({ capabilities: { add: ["ALL"], drop: ["CHOWN", "SYS_ADMIN"] } });
  assert.deepEqual(boundingDrops(sets, LAST_CAP), [0, 21]);
  assert.equal(boundingDrops(setsOf({ capabilities: { drop: ["ALL"] } }), LAST_CAP).length, 41);
});

Deno.test("encodeCapData() lays out both halves and leaves the inheritable set empty", () => {
  const sets = setsOf({ capabilities: { add: ["CHOWN", "BPF"], drop: ["ALL"] } });
  const words = new Uint32Array(encodeCapData({ ...sets, effective: capabilityMask(["CAP_CHOWN"]) }).buffer);
  assert.deepEqual([...words], [1, 1, 0, 0, 1 << 7, 0]);
  assert.deepEqual([...new Uint32Array(encodeCapHeader().buffer)], [0x20080522, 0]);
});
