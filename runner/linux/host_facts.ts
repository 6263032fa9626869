import { MAX_HOSTS_FILE_BYTES, SeedpodError } from "../base/mod.ts";
import type { DeviceNode, HostFacts } from "../plan/mod.ts";
import { HOST_ARCH } from "../sys/mod.ts";
import { detectCgroups, ensureParent } from "./cgroup_host.ts";

/** Linux older than this has not all that seedpod needs: openat2, clone3 into a cgroup, mount_setattr, cgroup.kill. */
const KERNEL_FLOOR = [5, 14] as const;

const MASKED_PROC = [
  "acpi",
  "asound",
  "interrupts",
  "kcore",
  "keys",
  "latency_stats",
  "sched_debug",
  "scsi",
  "timer_list",
  "timer_stats",
];
const MASKED_SYS = ["firmware", "devices/virtual/powercap", "fs/selinux"];
const READ_ONLY_PROC = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

function kindOf(path: string): "file" | "directory" | undefined {
  try {
    return Deno.lstatSync(path).isDirectory ? "directory" : "file";
  } catch {
    return undefined;
  }
}

function kernelVersion(): readonly [number, number] {
  const [major = 0, minor = 0] = Deno.osRelease().split(".").map((part) => Number.parseInt(part));
  const [floorMajor, floorMinor] = KERNEL_FLOOR;
  if (major < floorMajor || (major === floorMajor && minor < floorMinor)) {
    throw new SeedpodError(
      `Cannot run on Linux ${Deno.osRelease()}: ${floorMajor}.${floorMinor} or newer is needed`,
      {
        fault: "user",
      },
    );
  }
  return [major, minor];
}

/** The most open files this process may grant. */
function maxOpenFiles(): number {
  const line = Deno.readTextFileSync("/proc/self/limits").split("\n").find((each) =>
    each.startsWith("Max open files")
  );
  const hard = line?.trim().split(/\s{2,}/)[2];
  return Math.min(hard === undefined || hard === "unlimited" ? Infinity : Number(hard), 524288);
}

/** The machine's /etc/hosts; a machine without one knows no names. */
function hostsFile(): string {
  const path = "/etc/hosts";
  if (kindOf(path) === undefined || Deno.statSync(path).size > MAX_HOSTS_FILE_BYTES) return "";
  return Deno.readTextFileSync(path);
}

/**
 * Reads what of this machine decides over a pod's start; changes nothing.
 *
 * @throws {SeedpodError} when the kernel is too old.
 */
export function readHostFacts(cgroupParent: string): HostFacts {
  const masked = [...MASKED_PROC.map((name) => `proc/${name}`), ...MASKED_SYS.map((name) => `sys/${name}`)];
  const kernel = kernelVersion();
  return {
    arch: HOST_ARCH,
    kernel,
    lastCapability: Number(Deno.readTextFileSync("/proc/sys/kernel/cap_last_cap")),
    cgroups: detectCgroups(),
    cgroupParent,
    hostname: Deno.hostname(),
    hostsFile: hostsFile(),
    maskedFiles: masked.filter((path) => kindOf(`/${path}`) === "file"),
    maskedDirectories: masked.filter((path) => kindOf(`/${path}`) === "directory"),
    readOnlyProc: READ_ONLY_PROC.filter((path) => kindOf(`/proc/${path}`) !== undefined),
    maxOpenFiles: maxOpenFiles(),
  };
}

/** Makes the cgroup that holds the pods ready; the facts then name only what can be used in it. Idempotent. */
export function ensureCgroups(facts: HostFacts): HostFacts {
  return { ...facts, cgroups: ensureParent(facts.cgroups, facts.cgroupParent).host };
}

/** The capabilities that this process may give away: its bounding set. */
export function ownBoundingSet(): bigint {
  const line = Deno.readTextFileSync("/proc/self/status").split("\n").find((each) =>
    each.startsWith("CapBnd:")
  );
  return BigInt(`0x${line?.split("\t")[1] ?? "0"}`);
}

/** What a container has of its own in /dev, whatever the machine has there. */
const OWN_IN_DEV = ["pts", "ptmx", "shm", "mqueue", "console"];

/** Every device node of the machine's /dev, for privileged containers. */
export function listDevices(): DeviceNode[] {
  const found: DeviceNode[] = [];
  const walk = (prefix: string): void => {
    for (const entry of Deno.readDirSync(`/dev/${prefix}`)) {
      const path = prefix + entry.name;
      if (OWN_IN_DEV.includes(path)) continue;
      if (entry.isDirectory) walk(`${path}/`);
      else if (!entry.isFile && !entry.isSymlink) addNode(found, path);
    }
  };
  walk("");
  return found;
}

function addNode(found: DeviceNode[], path: string): void {
  const info = Deno.lstatSync(`/dev/${path}`);
  if (!info.isCharDevice && !info.isBlockDevice) return;
  const device = info.rdev ?? 0;
  found.push({
    path,
    type: info.isCharDevice ? "c" : "b",
    major: Math.floor(device / 256) & 0xfff,
    minor: (device & 0xff) | (Math.floor(device / 4096) & 0xfff00),
    mode: (info.mode ?? 0o600) & 0o777,
  });
}
