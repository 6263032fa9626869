/** The pod's sandbox: what the daemon prepares, and what the child does that becomes the pod's PID 1. */
import type { FlagName } from "../../base/mod.ts";
import {
  addAttach,
  addDirectory,
  addFileSystem,
  addMountAttributes,
  addTree,
  addWriteAndClose,
} from "../idioms.ts";
import {
  bytes,
  call,
  flags,
  octal,
  type PassedFd,
  type ProgramBuilder,
  resultOf,
  type Step,
  text,
  vector,
} from "../program.ts";
import { cgroupPlacement, oomScoreAdj, podCgroupSettings } from "../resources/mod.ts";
import { addCgroup, addCgroupSettings, addDevices, addDoors, type CgroupDoors } from "./cgroups.ts";
import { ownerParameters, podCgroup, shownHostname, type StartContext } from "./context.ts";
import { cgroupViewNames } from "./container_mounts.ts";
import { addEnterCgroups, type Passing } from "./passing.ts";
import { addTimeNamespace } from "./time_namespace.ts";

/** What the sandbox program needs from the daemon's side. */
export interface SandboxHost {
  readonly doors: CgroupDoors;
  /** A detached mount of the directory that becomes infra's root. */
  readonly root: Step;
  /** The pod's /dev/shm as a detached mount. */
  readonly shm: Step;
}

/** `r`: where a child mounts its rootfs; `e`: empty, what hides a directory; `c`: the frame of /sys/fs/cgroup; `v`: the volumes;
 * `proc`: what makes a procfs possible in a user namespace. */
const DIRECTORIES = ["", "/r", "/e", "/c", "/proc", "/sys", "/mqueue", "/shm", "/v"];

/** Adds the daemon's side: directories, cgroups, the detached mounts. Idempotent but for the mounts. */
export function addSandboxHost(builder: ProgramBuilder, context: StartContext): SandboxHost {
  const { places, facts, pod } = context;
  const sandbox = `${places.run}/sandbox`;
  for (const directory of DIRECTORIES) addDirectory(builder, sandbox + directory, 0o755);
  const names = cgroupViewNames(context, cgroupPlacement(facts.cgroups).split).filter((name) => name !== "");
  for (const name of names) addDirectory(builder, `${sandbox}/c/${name}`, 0o755);
  const doors = addPodCgroup(builder, context);
  const root = addTree(builder, "clone the root of infra", "AT_FDCWD", sandbox);
  addMountAttributes(builder, "make the root of infra read-only", resultOf(root), {
    set: ["MOUNT_ATTR_RDONLY", "MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NODEV", "MOUNT_ATTR_NOEXEC"],
    propagation: "MS_PRIVATE",
  });
  const shm = pod.spec.hostIPC
    ? addTree(builder, "clone the machine's /dev/shm", "AT_FDCWD", "/dev/shm", [], {
      from: ["spec", "hostIPC"],
    })
    : addFileSystem(builder, "make /dev/shm", "tmpfs", [
      ["source", "shm"],
      ["size", "67108864"],
      ["mode", "1777"],
      ...ownerParameters(context),
    ], NO_DEVICES);
  return { doors, root, shm };
}

const NO_DEVICES: readonly FlagName[] = ["MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NODEV", "MOUNT_ATTR_NOEXEC"];

function addPodCgroup(builder: ProgramBuilder, context: StartContext): CgroupDoors {
  const { facts, pod } = context;
  const path = podCgroup(facts, context.uid);
  const settings = podCgroupSettings(pod, facts.cgroups);
  const placement = cgroupPlacement(facts.cgroups, settings);
  addCgroup(builder, facts.cgroups, path, placement.pod);
  addCgroupSettings(builder, facts.cgroups, path, settings);
  if (!hasPrivileged(context)) addDevices(builder, facts.cgroups, path, false);
  addCgroup(builder, facts.cgroups, `${path}/infra`, placement.split);
  const leaf = (id: number): string => placement.split.includes(id) ? `${path}/infra` : path;
  return addDoors(builder, facts.cgroups, leaf, placement.pod, context.userNamespace !== null);
}

/** Whether a container of the pod is privileged: then the device list stands on each container instead of the pod. */
export function hasPrivileged(context: StartContext): boolean {
  const spec = context.pod.spec;
  return [...(spec.initContainers ?? []), ...spec.containers].some((each) =>
    each.securityContext?.privileged
  );
}

/**
 * The CLONE_* flags of the pod's PID 1. It stays in the machine's cgroup namespace: one of its own would begin at its own
 * cgroup, and where v2 is mounted with `nsdelegate`, as systemd does, nothing is born outside of it (ENOENT).
 */
export function sandboxCloneFlags(context: StartContext): FlagName[] {
  const spec = context.pod.spec;
  const names: FlagName[] = ["CLONE_NEWNS"];
  if (!spec.hostPID) names.push("CLONE_NEWPID");
  if (!spec.hostIPC) names.push("CLONE_NEWIPC");
  if (!spec.hostNetwork) names.push("CLONE_NEWNET", "CLONE_NEWUTS");
  return names;
}

/** infra's oom_score_adj: nearly the last to be killed, as kubelet has its own. */
const INFRA_OOM_SCORE_ADJ = -998;

/**
 * The oom_score_adj that infra is born with. The kernel remembers the lowest that a process with CAP_SYS_RESOURCE on the
 * machine has set, and lets nobody below it. A container of the machine's users sets that anew for itself; one of a user
 * namespace cannot, and with infra's could protect itself like infra, so there infra gets the lowest of the containers'.
 */
export function sandboxOomScoreAdj(context: StartContext): number {
  if (!context.userNamespace) return INFRA_OOM_SCORE_ADJ;
  const { pod: { spec }, facts } = context;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return Math.min(...containers.map((each) => oomScoreAdj(spec, each, facts.cgroups.memoryBytes)));
}

/** What the sandbox program is handed besides the volumes. */
export interface SandboxPassed {
  readonly executable: PassedFd;
  readonly listener: PassedFd;
  readonly host: SandboxHost;
  /** Every volume by name, as a detached mount. */
  readonly volumes: readonly { readonly name: string; readonly tree: Step }[];
}

/** Adds what the child does that becomes the pod's PID 1; gives the index of the cgroup it is born in. */
export function addSandbox(
  builder: ProgramBuilder,
  context: StartContext,
  passing: Passing,
  passed: SandboxPassed,
): { cgroup?: number } {
  const cgroup = addEnterCgroups(builder, passing, passed.host.doors);
  // before the change of ids, after which what is in /proc/self belongs to another root
  addTimeNamespace(builder, context);
  if (context.userNamespace) addBecomeRoot(builder);
  builder.add("start a session", call("setsid"));
  builder.add("set the umask", call("umask", octal(0o022)));
  addLimits(builder, context);
  addRoot(builder, context, passing, passed);
  addNetwork(builder, context);
  addSysctls(builder, context);
  addNames(builder, context);
  builder.add("hand infra its socket", call("dup3", passed.listener, 3, 0));
  const environment = [vector(["infra"]), vector([])] as const;
  builder.add("become infra", call("execveat", passed.executable, text(""), ...environment, "AT_EMPTY_PATH"));
  return cgroup;
}

/** In a user namespace just entered the ids are still the daemon's, which have no name there. */
function addBecomeRoot(builder: ProgramBuilder): void {
  const from = ["spec", "hostUsers"];
  builder.add("drop the daemon's groups", call("setgroups", 0, 0), { from });
  builder.add("become the pod's root group", call("setresgid", 0, 0, 0), { from });
  builder.add("become the pod's root", call("setresuid", 0, 0, 0), { from });
}

const SOFT_OPEN_FILES = 1024;

function addLimits(builder: ProgramBuilder, context: StartContext): void {
  const limits = [
    ["RLIMIT_NOFILE", Math.min(SOFT_OPEN_FILES, context.facts.maxOpenFiles), context.facts.maxOpenFiles],
    ["RLIMIT_CORE", 0, 0],
  ] as const;
  for (const [resource, soft, hard] of limits) {
    const limit = new BigUint64Array([BigInt(soft), BigInt(hard)]);
    const data = bytes(new Uint8Array(limit.buffer), `{${soft}, ${hard}}`);
    builder.add(`limit ${resource}`, call("prlimit64", 0, resource, data, 0));
  }
}

/** infra's own mount namespace: its empty root, the pod's /sys, /mqueue, /shm, and the volumes. */
function addRoot(
  builder: ProgramBuilder,
  context: StartContext,
  passing: Passing,
  passed: SandboxPassed,
): void {
  const spec = context.pod.spec;
  const root = passing.pass(passed.host.root, "infra's root");
  builder.add(
    "stop mounts from reaching the machine",
    call("mount", 0, text("/"), 0, flags("MS_REC", "MS_SLAVE"), 0),
  );
  addAttach(builder, "mount infra's root", root, "AT_FDCWD", "/");
  builder.add("enter infra's root", call("fchdir", root));
  if (spec.hostNetwork) addHostSys(builder);
  else addNewSys(builder, root);
  if (context.userNamespace) addVisibleProc(builder, root);
  addAttach(builder, "mount /shm", passing.pass(passed.host.shm, "shm"), root, "shm");
  // the queues of the IPC namespace, the pod's or with hostIPC the machine's
  const mqueue = addFileSystem(builder, "make /mqueue", "mqueue", [], NO_DEVICES);
  addAttach(builder, "mount /mqueue", resultOf(mqueue), root, "mqueue");
  for (const volume of passed.volumes) {
    const tree = passing.pass(volume.tree, `volume "${volume.name}"`);
    addAttach(builder, `hold volume "${volume.name}"`, tree, root, `v/${volume.name}`);
  }
  builder.add("change the root", call("pivot_root", text("."), text(".")));
  builder.add("let the machine's files go", call("umount2", text("."), "MNT_DETACH"));
  builder.add("enter the new root", call("chdir", text("/")));
}

const SYS_ATTRIBUTES: readonly FlagName[] = [...NO_DEVICES, "MOUNT_ATTR_RDONLY"];

function addNewSys(builder: ProgramBuilder, root: PassedFd): void {
  const sys = addFileSystem(builder, "make /sys", "sysfs", [], SYS_ATTRIBUTES);
  addAttach(builder, "mount /sys", resultOf(sys), root, "sys");
}

/** In a user namespace the kernel lets a procfs be made only where one is visible already, as for every container later. */
function addVisibleProc(builder: ProgramBuilder, root: PassedFd): void {
  const from = ["spec", "hostUsers"];
  const proc = addFileSystem(builder, "make /proc", "proc", [], NO_DEVICES, { from });
  addAttach(builder, "mount /proc", resultOf(proc), root, "proc", { from });
}

function addHostSys(builder: ProgramBuilder): void {
  const from = ["spec", "hostNetwork"];
  const sys = addFileSystem(builder, "make /sys", "sysfs", [], SYS_ATTRIBUTES, { from });
  addAttach(builder, "mount /sys", resultOf(sys), "AT_FDCWD", "sys", { from });
}

const IFF_UP = 1;

/** struct ifreq: the name of the interface and its flags. */
function addNetwork(builder: ProgramBuilder, context: StartContext): void {
  if (context.pod.spec.hostNetwork) return;
  const request = new Uint8Array(new ArrayBuffer(40));
  request.set(new TextEncoder().encode("lo"));
  new DataView(request.buffer).setUint16(16, IFF_UP, true);
  const name = "bring up the loopback interface";
  const socket = builder.add(name, call("socket", "AF_INET", flags("SOCK_DGRAM", "SOCK_CLOEXEC"), 0));
  builder.add(name, call("ioctl", resultOf(socket), "SIOCSIFFLAGS", bytes(request, "{lo, IFF_UP}")));
  builder.add(name, call("close", resultOf(socket)));
}

/** Writes go through a procfs of the program's own that is mounted nowhere (CVE-2019-16884, CVE-2025-52881). */
function addSysctls(builder: ProgramBuilder, context: StartContext): void {
  const spec = context.pod.spec;
  const wanted = (spec.securityContext?.sysctls ?? []).map((sysctl, index) => ({
    ...sysctl,
    from: ["spec", "securityContext", "sysctls", index] as const,
  }));
  const asked = new Set(wanted.map((sysctl) => sysctl.name));
  const range = "net.ipv4.ping_group_range";
  const all: { name: string; value: string; from?: readonly (string | number)[] }[] = [...wanted];
  if (!spec.hostNetwork && !asked.has(range)) {
    all.unshift({ name: range, value: `0 ${(context.userNamespace?.count ?? 2147483648) - 1}` });
  }
  if (all.length === 0) return;
  const proc = addFileSystem(builder, "open a procfs", "proc", [], NO_DEVICES);
  const hint = context.userNamespace
    ? { hint: `With hostUsers: false ids go from 0 to ${context.userNamespace.count - 1}` }
    : {};
  for (const { name, value, from } of all) {
    const path = `sys/${name.replaceAll(".", "/")}`;
    const what = `set the sysctl ${name}`;
    const options = from ? { from, ...hint } : {};
    const open = call("openat", resultOf(proc), text(path), flags("O_WRONLY", "O_CLOEXEC"), 0);
    addWriteAndClose(builder, what, builder.add(what, open, options), value, options);
  }
}

function addNames(builder: ProgramBuilder, context: StartContext): void {
  if (context.pod.spec.hostNetwork) return;
  const shown = shownHostname(context);
  builder.add("set the host name", call("sethostname", text(shown), shown.length), {
    from: ["spec", "hostname"],
  });
}
