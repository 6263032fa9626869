import assert from "node:assert/strict";
import {
  DEFAULT_DEVICE_RULES,
  deviceFilterV2,
  type DeviceRule,
  devicesV1,
  PRIVILEGED_DEVICE_RULES,
} from "../../runner/plan/hardening/mod.ts";

const EPERM = 1;
const SOURCE = new URL("device_filter_probe.c", import.meta.url).pathname;

/** The mount point of a hierarchy: cgroup2, or the v1 devices controller; undefined when there is none. */
function mountPoint(type: "cgroup2" | "cgroup", option: string): string | undefined {
  const mounts = Deno.readTextFileSync("/proc/self/mounts").split("\n").map((line) => line.split(" "));
  return mounts.find((mount) => mount[2] === type && mount[3]!.split(",").includes(option))?.[1];
}

const V2 = mountPoint("cgroup2", "rw");
const V1 = mountPoint("cgroup", "devices");
/** Why a test cannot run here, for its name; empty when it can. */
function missing(hierarchy: string | undefined): string {
  if (Deno.uid() !== 0) return " (skipped: not root)";
  return hierarchy === undefined ? " (skipped: the hierarchy is not mounted)" : "";
}
const noV2 = missing(V2);
const noV1 = missing(V1);

const DEVICES = ["/dev/null", "/dev/urandom", "/dev/kmsg", "/etc/hostname"];

/** A cgroup of this test's own, and a directory for its files. */
class Scene implements Disposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "devices" });
  readonly cgroup: string;

  constructor(hierarchy: string) {
    this.cgroup = `${hierarchy}/device-filter-test-${Deno.pid}-${this.directory.split("/").at(-1)}`;
    Deno.mkdirSync(this.cgroup);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.cgroup);
    Deno.removeSync(this.directory, { recursive: true });
  }
}

function errnos(command: string, args: string[]): number[] {
  const { code, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(code, 0, decode(stderr));
  return decode(stdout).trim().split("\n").map(Number);
}

/** The errno of opening each device in a cgroup with the filter of the rules. */
function openUnderV2(rules: readonly DeviceRule[]): number[] {
  using scene = new Scene(V2!);
  Deno.writeFileSync(`${scene.directory}/program`, deviceFilterV2(rules));
  const probe = `${scene.directory}/probe`;
  new Deno.Command("gcc", { args: ["-O1", "-Wall", "-o", probe, SOURCE] }).outputSync();
  return errnos(probe, [`${scene.directory}/program`, scene.cgroup, ...DEVICES]);
}

Deno.test({
  name:
    `the kernel's verifier takes the default device filter, which refuses /dev/kmsg and opens /dev/null${noV2}`,
  ignore: noV2 !== "",
  fn: () => assert.deepEqual(openUnderV2(DEFAULT_DEVICE_RULES), [0, 0, EPERM, 0]),
});

Deno.test({
  name: `the kernel's verifier takes the privileged device filter, which opens everything${noV2}`,
  ignore: noV2 !== "",
  fn: () => assert.deepEqual(openUnderV2(PRIVILEGED_DEVICE_RULES), [0, 0, 0, 0]),
});

Deno.test({
  name: `the kernel's verifier takes a filter with no rule and one with hundreds${noV2}`,
  ignore: noV2 !== "",
  fn: () => {
    assert.deepEqual(openUnderV2([]), [EPERM, EPERM, EPERM, 0]);
    const many = Array.from(
      { length: 500 },
      (_, minor): DeviceRule => ({ type: "b", major: "*", minor, access: "m" }),
    );
    assert.deepEqual(openUnderV2([...many, { type: "c", major: 1, minor: 11, access: "r" }]), [
      EPERM,
      EPERM,
      0,
      0,
    ]);
  },
});

/** The same through the v1 controller's files. */
function openUnderV1(rules: readonly DeviceRule[]): number[] {
  using scene = new Scene(V1!);
  for (const { file, value } of devicesV1(rules)) Deno.writeTextFileSync(`${scene.cgroup}/${file}`, value);
  const open = DEVICES.map((path) => `(: <${path}) 2>/dev/null; echo $(($? == 0 ? 0 : ${EPERM}))`).join("; ");
  const shell = `echo 0 > ${scene.cgroup}/cgroup.procs || exit 1; ${open}`;
  return errnos("/bin/sh", ["-c", shell]);
}

Deno.test({
  name:
    `the v1 devices controller takes the default list, which refuses /dev/kmsg and opens /dev/null${noV1}`,
  ignore: noV1 !== "",
  fn: () => {
    assert.deepEqual(openUnderV1(DEFAULT_DEVICE_RULES), [0, 0, EPERM, 0]);
    assert.deepEqual(openUnderV1(PRIVILEGED_DEVICE_RULES), [0, 0, 0, 0]);
  },
});
