/** What a container finds mounted besides its rootfs and volumes: /dev, /sys, its cgroup, the masks. */
import { type ErrnoName, type FlagName, FLAGS } from "../../base/mod.ts";
import { IN_ROOT } from "../ensure_path.ts";
import { addAttach, addFileSystem, addMountAttributes, addOpenInside, addTree, SELF } from "../idioms.ts";
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
} from "../program.ts";
import { type ContainerStart, DEFAULT_TERMINATION_LOG, type DeviceNode } from "./container_start.ts";
import type { StartContext } from "./context.ts";
import { ownerParameters, rootId } from "./context.ts";
import type { Passing } from "./passing.ts";

/** The devices of the default list: what a container finds in /dev. */
const DEVICES: readonly DeviceNode[] = [
  { path: "null", type: "c", major: 1, minor: 3, mode: 0o666 },
  { path: "zero", type: "c", major: 1, minor: 5, mode: 0o666 },
  { path: "full", type: "c", major: 1, minor: 7, mode: 0o666 },
  { path: "random", type: "c", major: 1, minor: 8, mode: 0o666 },
  { path: "urandom", type: "c", major: 1, minor: 9, mode: 0o666 },
  { path: "tty", type: "c", major: 5, minor: 0, mode: 0o666 },
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["ptmx", "pts/ptmx"],
];

/** The container's /dev, made by the daemon. */
export interface Dev {
  readonly dev: Step;
  readonly pts: Step;
  /** Opened for reading before the container can touch it. */
  readonly terminationLog: Step;
  readonly terminal?: { readonly master: Step; readonly slave: Step };
}

/** Adds the making of /dev and /dev/pts as detached mounts, and of the terminal where the container asks for one. */
export function addDev(builder: ProgramBuilder, start: ContainerStart): Dev {
  const owner = rootId(start.context);
  const dev = addFileSystem(builder, "make /dev", "tmpfs", [
    ["source", "dev"],
    ["size", "1048576"],
    ["nr_inodes", "4096"],
    ["mode", "755"],
    ...ownerParameters(start.context),
  ], ["MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NOEXEC"]);
  const parents = new Set<string>(["pts", "shm", "mqueue"]);
  const devices = start.devices.length > 0 ? start.devices : DEVICES;
  for (const { path } of devices) {
    path.split("/").slice(0, -1).forEach((_, depth, parts) =>
      parents.add(parts.slice(0, depth + 1).join("/"))
    );
  }
  for (const name of parents) {
    builder.add(`make /dev/${name}`, call("mkdirat", resultOf(dev), text(name), octal(0o755)));
  }
  for (const { path, type, major, minor, mode } of devices) {
    const format = (type === "c" ? 0o020000 : 0o060000) | mode;
    builder.add(
      `make /dev/${path}`,
      call("mknodat", resultOf(dev), text(path), octal(format), makedev(major, minor)),
    );
  }
  for (const [name, target] of LINKS) {
    builder.add(`make /dev/${name}`, call("symlinkat", text(target), resultOf(dev), text(name)));
  }
  const name = "make the termination log";
  const open = call(
    "openat",
    resultOf(dev),
    text(TERMINATION_LOG_NAME),
    flags("O_RDONLY", "O_CREAT", "O_EXCL", "O_CLOEXEC"),
    octal(0o666),
  );
  const terminationLog = builder.add(name, open);
  if (owner !== 0) builder.add(name, call("fchown", resultOf(terminationLog), owner, owner));
  if (start.container.tty) {
    const mode = octal(FLAGS.S_IFREG | 0o620);
    builder.add("make /dev/console", call("mknodat", resultOf(dev), text("console"), mode, 0));
  }
  const pts = addFileSystem(builder, "make /dev/pts", "devpts", [
    ["source", "devpts"],
    ["newinstance"],
    ["ptmxmode", "0666"],
    ["mode", "0620"],
    ["gid", String(owner + TTY_GROUP)],
  ], ["MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NOEXEC"]);
  return start.container.tty
    ? { dev, pts, terminationLog, terminal: addTerminal(builder, start, pts, owner) }
    : { dev, pts, terminationLog };
}

const TERMINATION_LOG_NAME = DEFAULT_TERMINATION_LOG.slice("/dev/".length);
const TTY_GROUP = 5;

/** dev_t as `mknod(2)` takes it. */
function makedev(major: number, minor: number): number {
  return (major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12);
}

/** A fresh pseudo-terminal of the container's own /dev/pts, taken by descriptor (CVE-2025-52565). */
function addTerminal(
  builder: ProgramBuilder,
  start: ContainerStart,
  pts: Step,
  owner: number,
): { master: Step; slave: Step } {
  const options = { from: [...start.from, "tty"] };
  const name = "make the terminal";
  const how = flags("O_RDWR", "O_NOCTTY", "O_CLOEXEC");
  const master = builder.add(name, call("openat", resultOf(pts), text("ptmx"), how, 0), options);
  const zero = bytes(new Uint8Array(new ArrayBuffer(4)), "0");
  builder.add(name, call("ioctl", resultOf(master), "TIOCSPTLCK", zero), options);
  const slave = builder.add(name, call("ioctl", resultOf(master), "TIOCGPTPEER", how), options);
  builder.add(name, call("fchown", resultOf(slave), owner, owner + TTY_GROUP), options);
  return { master, slave };
}

/** The container's own cgroups, as it sees them below /sys/fs/cgroup: one detached mount a hierarchy. */
export interface CgroupView {
  /** The name below /sys/fs/cgroup; empty when the v2 hierarchy is all there is. */
  readonly trees: readonly { readonly name: string; readonly tree: Step }[];
}

/** The directory names that a view over several hierarchies needs below /sys/fs/cgroup. */
export function cgroupViewNames(context: StartContext, ids: readonly number[]): string[] {
  const { hierarchies } = context.facts.cgroups;
  const shown = hierarchies.filter((hierarchy) => ids.includes(hierarchy.id));
  if (shown.length === 1 && shown[0]!.version === 2) return [""];
  return shown.map((hierarchy) => hierarchy.mountPoint.slice(hierarchy.mountPoint.lastIndexOf("/") + 1));
}

/** Adds the cloning of the container's own cgroup directories. */
export function addCgroupView(
  builder: ProgramBuilder,
  start: ContainerStart,
  path: string,
  ids: readonly number[],
): CgroupView {
  const { facts } = start.context;
  const names = cgroupViewNames(start.context, ids);
  const attributes: FlagName[] = ["MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NODEV", "MOUNT_ATTR_NOEXEC"];
  if (!start.container.securityContext?.privileged) attributes.push("MOUNT_ATTR_RDONLY");
  const shown = facts.cgroups.hierarchies.filter((hierarchy) => ids.includes(hierarchy.id));
  const trees = shown.map((hierarchy, index) => {
    const name = `show the cgroup of ${hierarchy.mountPoint}`;
    const tree = addTree(builder, name, "AT_FDCWD", `${hierarchy.mountPoint}/${path}`);
    addMountAttributes(builder, name, resultOf(tree), { set: attributes, propagation: "MS_PRIVATE" });
    return { name: names[index]!, tree };
  });
  return { trees };
}

/** Adds their attaching in the container. */
export function addCgroupViewMounts(
  builder: ProgramBuilder,
  view: CgroupView,
  rootfs: PassedFd,
  passing: Passing,
): void {
  if (view.trees.length > 1 || view.trees[0]?.name !== "") {
    const base = addTree(builder, "mount /sys/fs/cgroup", "AT_FDCWD", "c");
    addAttach(builder, "mount /sys/fs/cgroup", resultOf(base), rootfs, "sys/fs/cgroup");
  }
  for (const { name, tree } of view.trees) {
    const target = name === "" ? "sys/fs/cgroup" : `sys/fs/cgroup/${name}`;
    addAttach(builder, `mount /${target}`, passing.pass(tree, `cgroup ${name}`), rootfs, target);
  }
}

/** Adds /sys: the pod's, moved here from the container's copy of infra's mounts. */
export function addSys(builder: ProgramBuilder, start: ContainerStart, rootfs: PassedFd): void {
  builder.add("mount /sys", call("move_mount", "AT_FDCWD", text("sys"), rootfs, text("sys"), 0));
  if (!start.container.securityContext?.privileged) return;
  const from = { from: [...start.from, "securityContext", "privileged"] };
  const sys = builder.add(
    "open /sys",
    call("openat", rootfs, text("sys"), flags("O_PATH", "O_CLOEXEC"), 0),
    from,
  );
  addMountAttributes(
    builder,
    "make /sys writable",
    resultOf(sys),
    { set: [], clear: ["MOUNT_ATTR_RDONLY"] },
    from,
  );
}

/** Adds what hides or write-protects parts of /proc and /sys, and seedpod's own directories in the machine's root. */
export function addMasks(builder: ProgramBuilder, start: ContainerStart, rootfs: PassedFd): void {
  const security = start.container.securityContext;
  const { facts, places } = start.context;
  if (!security?.privileged && security?.procMount !== "Unmasked") {
    for (const path of facts.maskedFiles) {
      const mask = addTree(builder, `mask /${path}`, rootfs, "dev/null");
      addAttach(builder, `mask /${path}`, resultOf(mask), rootfs, path);
    }
    for (const path of facts.maskedDirectories) {
      addAttach(
        builder,
        `mask /${path}`,
        resultOf(addTree(builder, `mask /${path}`, "AT_FDCWD", "e")),
        rootfs,
        path,
      );
    }
    for (const path of facts.readOnlyProc) {
      const tree = addTree(builder, `protect /proc/${path}`, rootfs, `proc/${path}`, ["AT_RECURSIVE"]);
      addMountAttributes(builder, `protect /proc/${path}`, resultOf(tree), {
        set: ["MOUNT_ATTR_RDONLY"],
        recursive: true,
      });
      addAttach(builder, `protect /proc/${path}`, resultOf(tree), rootfs, `proc/${path}`);
    }
  }
  if (!start.hostRoot) return;
  for (const path of places.hidden) addHidden(builder, start, rootfs, path);
}

/**
 * A directory that is not in the root itself (but on a file system mounted there) is not in the container either; and what
 * the root of a pod with users of its own cannot reach, nobody in it can.
 */
function addHidden(builder: ProgramBuilder, start: ContainerStart, rootfs: PassedFd, path: string): void {
  const name = `hide "${path}"`;
  const mask = addTree(builder, name, "AT_FDCWD", "e");
  const tolerate: ErrnoName[] = start.context.userNamespace ? ["ENOENT", "EACCES"] : ["ENOENT"];
  const from = [...start.from, "image"];
  // a directory on the way may be a symbolic link on this machine
  const how = { open: ["O_PATH"] as const, resolve: IN_ROOT, arch: start.context.facts.arch };
  const place = addOpenInside(builder, name, rootfs, path.slice(1), how, { from, tolerate });
  const move = flags("MOVE_MOUNT_F_EMPTY_PATH", "MOVE_MOUNT_T_EMPTY_PATH");
  builder.add(name, call("move_mount", resultOf(mask), SELF, resultOf(place), SELF, move), {
    from,
    tolerate: ["EBADF"],
  });
}

/** Adds the binding of the container's terminal on /dev/console, where programs look for one by that name. */
export function addConsole(
  builder: ProgramBuilder,
  start: ContainerStart,
  terminal: PassedFd,
  rootfs: PassedFd,
): void {
  const options = { from: [...start.from, "tty"] };
  const tree = addTree(builder, "mount /dev/console", terminal, "", [], options);
  addAttach(builder, "mount /dev/console", resultOf(tree), rootfs, "dev/console", options);
}
