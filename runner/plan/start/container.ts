/** A container's start: what the daemon prepares, and what infra's child does that becomes the container. */
import type { FlagName } from "../../base/mod.ts";
import { addEnsurePath } from "../ensure_path.ts";
import { addAttach, addDirectory, addMountAttributes } from "../idioms.ts";
import { addVolumeMounts } from "../mount_program.ts";
import {
  bytes,
  call,
  type Data,
  flags,
  type PassedFd,
  type ProgramBuilder,
  resultOf,
  type Step,
  text,
} from "../program.ts";
import {
  cgroupPlacement,
  containerCgroupSettings,
  oomScoreAdj,
  podCgroupSettings,
} from "../resources/mod.ts";
import { addCgroup, addCgroupSettings, addDevices, addDoors, type CgroupDoors } from "./cgroups.ts";
import { containerCgroup, podCgroup, type StartContext } from "./context.ts";
import { hasPrivileged } from "./sandbox.ts";
import {
  addCgroupView,
  addCgroupViewMounts,
  addConsole,
  addDev,
  addMasks,
  addSys,
  type CgroupView,
  type Dev,
} from "./container_mounts.ts";
import { addEnterCgroups, type Passing } from "./passing.ts";
import { addControllingTerminal, addInsideCheck, addProcess, addStdio } from "./process.ts";
import { type ContainerStart, DEFAULT_TERMINATION_LOG } from "./container_start.ts";
import { addRootfs } from "./rootfs.ts";

/** What the daemon's side prepared for the child. */
export interface ContainerHost {
  readonly doors: CgroupDoors;
  readonly rootfs: Step;
  readonly dev: Dev;
  readonly view: CgroupView;
  readonly logDirectory: Step;
  /** pipe2(2)'s answers: standard output, error, and input where the container asks for it; none with a terminal. */
  readonly pipes: { readonly stdout: Data; readonly stderr: Data } | undefined;
  readonly stdin: Data | undefined;
}

/** Adds the daemon's side: the cgroup, the rootfs, /dev, the log directory and the pipes. */
export function addContainerHost(builder: ProgramBuilder, start: ContainerStart): ContainerHost {
  const { context, container, attempt } = start;
  const { facts } = context;
  const path = containerCgroup(facts, context.uid, container.name, attempt);
  const settings = containerCgroupSettings(context.pod, container, facts.cgroups);
  const placement = cgroupPlacement(facts.cgroups, podCgroupSettings(context.pod, facts.cgroups), settings);
  addCgroup(builder, facts.cgroups, podCgroup(facts, context.uid), placement.pod);
  addCgroup(builder, facts.cgroups, path, placement.split);
  addCgroupSettings(builder, facts.cgroups, path, settings);
  if (hasPrivileged(context)) {
    addDevices(builder, facts.cgroups, path, container.securityContext?.privileged ?? false);
  }
  const doors = addDoors(builder, facts.cgroups, () => path, placement.split, context.userNamespace !== null);
  const rootfs = addRootfs(builder, start);
  const dev = addDev(builder, start);
  const view = addCgroupView(builder, start, path, placement.split);
  const logs = `${context.places.logs}/${container.name}`;
  addDirectory(builder, logs, 0o755);
  const owner = context.userNamespace?.firstHostId;
  if (owner !== undefined) {
    builder.add(`give "${logs}" to the pod`, call("fchownat", "AT_FDCWD", text(logs), owner, owner, 0));
  }
  const openLogs = call("openat", "AT_FDCWD", text(logs), flags("O_RDONLY", "O_DIRECTORY", "O_CLOEXEC"), 0);
  const logDirectory = builder.add(`open "${logs}"`, openLogs);
  const pipes = container.tty
    ? undefined
    : { stdout: addPipe(builder, "stdout"), stderr: addPipe(builder, "stderr") };
  const stdin = container.stdin && !container.tty ? addPipe(builder, "stdin") : undefined;
  return { doors, rootfs, dev, view, logDirectory, pipes, stdin };
}

/** Adds a pipe; the answer is its read end at 0 and its write end at 4. */
function addPipe(builder: ProgramBuilder, name: string): Data {
  const ends = bytes(new Uint8Array(new ArrayBuffer(8)), `<${name}>`);
  builder.add(`make the pipe for ${name}`, call("pipe2", ends, "O_CLOEXEC"));
  return ends;
}

/** Indexes of descriptors that stay with infra after the child is born. */
export interface InfraKeeps {
  readonly stdout: number;
  readonly stderr?: number;
  readonly logDirectory: number;
  /** The termination message, read after the end; and the other end of standard input. */
  readonly keep: readonly [number, number?];
  readonly cgroup?: number;
}

/** The CLONE_* flags of a container's first process. */
export function containerCloneFlags(context: StartContext): FlagName[] {
  return hasOwnPidNamespace(context) ? ["CLONE_NEWNS", "CLONE_NEWPID"] : ["CLONE_NEWNS"];
}

/** Whether each container has a PID namespace of its own. */
export function hasOwnPidNamespace(context: StartContext): boolean {
  return !context.pod.spec.shareProcessNamespace && !context.pod.spec.hostPID;
}

/** Adds what the child does from its birth to its execve; gives what infra keeps. */
export function addContainer(
  builder: ProgramBuilder,
  start: ContainerStart,
  host: ContainerHost,
  passing: Passing,
): InfraKeeps {
  const { context, container } = start;
  const cgroup = addEnterCgroups(builder, passing, host.doors);
  builder.add("start a session", call("setsid"));
  builder.add("make a cgroup namespace", call("unshare", "CLONE_NEWCGROUP"));
  const rootfs = passing.pass(host.rootfs, "rootfs");
  addMounts(builder, start, host, rootfs, passing);
  const keeps = { ...addDescriptors(builder, host, passing, container.tty === true), ...cgroup };
  addProcess(builder, start.process, context.facts.lastCapability, context.pod.spec.hostPID ?? false);
  return keeps;
}

function addMounts(
  builder: ProgramBuilder,
  start: ContainerStart,
  host: ContainerHost,
  rootfs: PassedFd,
  passing: Passing,
): void {
  const { context, container, from } = start;
  addAttach(builder, "mount the rootfs", rootfs, "AT_FDCWD", "r", { from: [...from, "image"] });
  addProc(builder, start, rootfs);
  addSys(builder, start, rootfs);
  addCgroupViewMounts(builder, host.view, rootfs, passing);
  addAttach(builder, "mount /dev", passing.pass(host.dev.dev, "/dev"), rootfs, "dev");
  addAttach(builder, "mount /dev/pts", passing.pass(host.dev.pts, "/dev/pts"), rootfs, "dev/pts");
  for (const name of ["shm", "mqueue"] as const) {
    builder.add(
      `mount /dev/${name}`,
      call("move_mount", "AT_FDCWD", text(name), rootfs, text(`dev/${name}`), 0),
      {
        tolerate: ["EINVAL"],
      },
    );
  }
  if (host.dev.terminal) {
    addConsole(builder, start, passing.pass(host.dev.terminal.slave, "terminal"), rootfs);
  }
  addMasks(builder, start, rootfs);
  addVolumeMounts(builder, {
    volumeMounts: start.volumeMounts,
    spec: context.pod.spec,
    rootfs,
    from,
    privileged: container.securityContext?.privileged ?? false,
    arch: context.facts.arch,
  });
  addTerminationLog(builder, start, rootfs);
  const workdir = addEnsurePath(
    builder,
    `enter the working directory "${start.workingDirectory}"`,
    rootfs,
    start.workingDirectory,
    {
      kind: "directory",
      arch: context.facts.arch,
    },
    { from: [...from, "workingDir"] },
  );
  if (container.securityContext?.readOnlyRootFilesystem) {
    addMountAttributes(builder, "make the rootfs read-only", rootfs, { set: ["MOUNT_ATTR_RDONLY"] }, {
      from: [...from, "securityContext", "readOnlyRootFilesystem"],
    });
  }
  addNewRoot(builder, rootfs);
  builder.add(`enter the working directory "${start.workingDirectory}"`, call("fchdir", resultOf(workdir)), {
    from: [...from, "workingDir"],
  });
  addInsideCheck(builder);
}

/** The rootfs becomes the root; the copy of infra's mounts that the child was born with goes. */
function addNewRoot(builder: ProgramBuilder, rootfs: PassedFd): void {
  const old = builder.add(
    "remember the old root",
    call("openat", "AT_FDCWD", text("/"), flags("O_PATH", "O_CLOEXEC"), 0),
  );
  builder.add("enter the rootfs", call("fchdir", rootfs));
  builder.add("change the root", call("pivot_root", text("."), text(".")));
  builder.add("enter the old root", call("fchdir", resultOf(old)));
  // letting go of a shared volume's copy must not unmount what is below it on the machine
  builder.add(
    "stop mounts from reaching the machine",
    call("mount", 0, text("."), 0, flags("MS_REC", "MS_SLAVE"), 0),
  );
  builder.add("let the old root go", call("umount2", text("."), "MNT_DETACH"));
  builder.add("enter the new root", call("chdir", text("/")));
}

/** A procfs of the container's PID namespace; writes to it go through its own descriptor (CVE-2019-16884). */
function addProc(builder: ProgramBuilder, start: ContainerStart, rootfs: PassedFd): void {
  const { context, container } = start;
  const attributes = flags("MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NODEV", "MOUNT_ATTR_NOEXEC");
  const fs = builder.add("make /proc", call("fsopen", text("proc"), "FSOPEN_CLOEXEC"));
  builder.add("make /proc", call("fsconfig", resultOf(fs), "FSCONFIG_CMD_CREATE", 0, 0, 0));
  const proc = builder.add("make /proc", call("fsmount", resultOf(fs), "FSMOUNT_CLOEXEC", attributes));
  const score = String(oomScoreAdj(context.pod.spec, container, context.facts.cgroups.memoryBytes));
  const open = call("openat", resultOf(proc), text("self/oom_score_adj"), flags("O_WRONLY", "O_CLOEXEC"), 0);
  const name = `set oom_score_adj to ${score}`;
  const file = builder.add(name, open);
  const data = bytes(new TextEncoder().encode(score), score);
  // without CAP_SYS_RESOURCE the machine refuses a lower value than it gave us: the nearest allowed stays
  builder.add(name, call("write", resultOf(file), data, score.length), { tolerate: ["EACCES"] });
  addAttach(builder, "mount /proc", resultOf(proc), rootfs, "proc");
}

function addTerminationLog(builder: ProgramBuilder, start: ContainerStart, rootfs: PassedFd): void {
  const path = start.container.terminationMessagePath ?? DEFAULT_TERMINATION_LOG;
  if (path === DEFAULT_TERMINATION_LOG) return;
  const options = { from: [...start.from, "terminationMessagePath"] };
  const name = `mount the termination log on "${path}"`;
  const rule = { kind: "file" as const, arch: start.context.facts.arch };
  const place = addEnsurePath(builder, name, rootfs, path, rule, options);
  const tree = builder.add(
    name,
    call("open_tree", rootfs, text("dev/termination-log"), flags("OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC")),
    options,
  );
  const how = flags("MOVE_MOUNT_F_EMPTY_PATH", "MOVE_MOUNT_T_EMPTY_PATH");
  builder.add(name, call("move_mount", resultOf(tree), text(""), resultOf(place), text(""), how), options);
}

function addDescriptors(
  builder: ProgramBuilder,
  host: ContainerHost,
  passing: Passing,
  tty: boolean,
): InfraKeeps {
  const logDirectory = passing.pass(host.logDirectory, "logs").index;
  const message = passing.pass(host.dev.terminationLog, "termination log").index;
  if (tty) {
    const slave = passing.pass(host.dev.terminal!.slave, "terminal");
    const master = passing.pass(host.dev.terminal!.master, "terminal's other side");
    addControllingTerminal(builder, slave);
    addStdio(builder, [slave, slave, slave]);
    return { stdout: master.index, logDirectory, keep: [message] };
  }
  const stdin = host.stdin && passing.passWord(host.stdin, 0, "stdin");
  const stdinWriter = host.stdin && passing.passWord(host.stdin, 4, "stdin's other end").index;
  const { stdout, stderr } = host.pipes!;
  addStdio(builder, [stdin, passing.passWord(stdout, 4, "stdout"), passing.passWord(stderr, 4, "stderr")]);
  return {
    stdout: passing.passWord(stdout, 0, "stdout's other end").index,
    stderr: passing.passWord(stderr, 0, "stderr's other end").index,
    logDirectory,
    keep: stdinWriter === undefined ? [message] : [message, stdinWriter],
  };
}
