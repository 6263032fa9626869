import { SeedpodError } from "../../base/mod.ts";

/** The kernel's capabilities in the order of their numbers, `<linux/capability.h>`; see `capabilities(7)`. */
export const CAPABILITY_NAMES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

/** A capability as the kernel spells it. */
export type CapabilityName = typeof CAPABILITY_NAMES[number];

/** What a container has when its manifest says nothing. */
export const DEFAULT_CAPABILITIES: readonly CapabilityName[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_NET_BIND_SERVICE",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

/** The part of a container's securityContext that decides its capabilities. */
export interface CapabilityRequest {
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly privileged?: boolean;
}

/**
 * A container's capability sets before its `execve`, bit n for capability n. Inheritable and ambient are always empty,
 * so a process that is not root (and a file without capabilities) has none after `execve`: the kernel then computes
 * permitted and effective from the inheritable and ambient sets alone, and only the bounding set stays.
 */
export interface CapabilitySets {
  readonly bounding: bigint;
  readonly effective: bigint;
  readonly permitted: bigint;
}

/** The capability that a manifest names, in Kubernetes' spelling (`NET_ADMIN`) or the kernel's; undefined when there is none. */
export function capabilityNamed(spelling: string): CapabilityName | undefined {
  const upper = spelling.toUpperCase();
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  return CAPABILITY_NAMES.find((known) => known === name);
}

/** The capability's number, which is its bit in a set. */
export function capabilityNumber(name: CapabilityName): number {
  return CAPABILITY_NAMES.indexOf(name);
}

/** The set with these capabilities. */
export function capabilityMask(names: Iterable<CapabilityName>): bigint {
  let mask = 0n;
  for (const name of names) mask |= 1n << BigInt(capabilityNumber(name));
  return mask;
}

/** The capabilities in a set, as {@linkcode compileSeccomp} takes them. */
export function capabilitiesIn(mask: bigint): Set<CapabilityName> {
  return new Set(CAPABILITY_NAMES.filter((_, number) => (mask >> BigInt(number) & 1n) === 1n));
}

/**
 * The sets of a container. `ALL` is applied first (added, then dropped), then the single additions, then the single
 * removals, as containerd does: `add: [NET_ADMIN], drop: [ALL]` leaves NET_ADMIN alone, `add: [ALL], drop: [CHOWN]`
 * all but CHOWN, and a name in both lists is dropped.
 *
 * @param hostLastCap The number in /proc/sys/kernel/cap_last_cap.
 * @param hostBounding The daemon's own bounding set, all when left out: privileged, `ALL` and the default set mean what
 * of them the host itself has; a single addition that it does not have is an error.
 * @returns The sets, or the error of a name that is no capability here.
 */
export function capabilitySets(
  request: CapabilityRequest,
  hostLastCap: number,
  hostBounding: bigint = (1n << BigInt(hostLastCap + 1)) - 1n,
): CapabilitySets | SeedpodError {
  const available = hostBounding & ((1n << BigInt(hostLastCap + 1)) - 1n);
  if (request.privileged) return allSets(available);
  const add = readNames("add", request.capabilities?.add ?? []);
  if (add instanceof SeedpodError) return add;
  const drop = readNames("drop", request.capabilities?.drop ?? []);
  if (drop instanceof SeedpodError) return drop;
  const missing = [...capabilitiesIn(add.mask & ~available)][0];
  if (missing !== undefined) {
    return new SeedpodError(`Cannot add capability "${missing}": this host does not have it`, {
      fault: "user",
    });
  }
  const base = drop.all ? 0n : add.all ? available : capabilityMask(DEFAULT_CAPABILITIES) & available;
  return allSets((base | add.mask) & ~drop.mask);
}

function allSets(mask: bigint): CapabilitySets {
  return { bounding: mask, effective: mask, permitted: mask };
}

function readNames(verb: string, names: readonly string[]): { all: boolean; mask: bigint } | SeedpodError {
  let all = false;
  let mask = 0n;
  for (const spelling of names) {
    if (spelling.toUpperCase() === "ALL") {
      all = true;
      continue;
    }
    const name = capabilityNamed(spelling);
    if (name === undefined) {
      return new SeedpodError(`Cannot ${verb} capability "${spelling}": there is no such capability`, {
        fault: "user",
        hint: "Write names as in capabilities(7) without CAP_, such as NET_ADMIN, or ALL",
      });
    }
    mask |= capabilityMask([name]);
  }
  return { all, mask };
}

/** The numbers to take away with `prctl(PR_CAPBSET_DROP)` so that only the bounding set stays. */
export function boundingDrops(sets: CapabilitySets, hostLastCap: number): number[] {
  const numbers = Array.from({ length: hostLastCap + 1 }, (_, number) => number);
  return numbers.filter((number) => (sets.bounding >> BigInt(number) & 1n) === 0n);
}

/** `struct __user_cap_header_struct` for `capset(2)` on the calling thread: _LINUX_CAPABILITY_VERSION_3 and pid 0. */
export function encodeCapHeader(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, 0x20080522, true);
  return bytes;
}

/** `struct __user_cap_data_struct[2]` for `capset(2)`, version 3: effective, permitted and an empty inheritable set. */
export function encodeCapData(sets: CapabilitySets): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  for (const half of [0, 1]) {
    const shift = BigInt(32 * half);
    view.setUint32(12 * half, Number(sets.effective >> shift & 0xffff_ffffn), true);
    view.setUint32(12 * half + 4, Number(sets.permitted >> shift & 0xffff_ffffn), true);
  }
  return bytes;
}
