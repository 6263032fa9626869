/** A command that enters a running container: under a reaper of infra's, inside the container's namespaces. */
import { IN_ROOT } from "../ensure_path.ts";
import { addFileSystem, addOpenInside, addOpenPlace } from "../idioms.ts";
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
import type { Container } from "../../../schema/kubernetes/mod.ts";
import { addDoors, type CgroupDoors } from "./cgroups.ts";
import { containerCgroup, type StartContext } from "./context.ts";
import { addEnterCgroups, type Passing } from "./passing.ts";
import {
  addControllingTerminal,
  addInsideCheck,
  addProcess,
  addStdio,
  type ProcessSettings,
} from "./process.ts";

/** Adds, on the daemon's side, the opening of the container's cgroups. */
export function addExecHost(
  builder: ProgramBuilder,
  context: StartContext,
  container: Container,
  attempt: number,
): CgroupDoors {
  const { facts, pod } = context;
  const settings = containerCgroupSettings(pod, container, facts.cgroups);
  const placement = cgroupPlacement(facts.cgroups, podCgroupSettings(pod, facts.cgroups), settings);
  const path = containerCgroup(facts, context.uid, container.name, attempt);
  return addDoors(builder, facts.cgroups, () => path, placement.split, context.userNamespace !== null);
}

/** Where a command's input and output go: pipes, or a fresh terminal whose other side is sent through a socket. */
export type ExecStreams =
  | {
    readonly kind: "pipes";
    readonly stdin: PassedFd | undefined;
    readonly stdout: PassedFd;
    readonly stderr: PassedFd;
  }
  | {
    readonly kind: "terminal";
    readonly socket: PassedFd;
    readonly size: { readonly columns: number; readonly rows: number };
  };

/** What a command is started from. */
export interface ExecStart {
  readonly context: StartContext;
  readonly container: Container;
  readonly doors: CgroupDoors;
  readonly process: ProcessSettings;
  readonly workingDirectory: string;
  readonly streams: ExecStreams;
}

/** Adds what the child does; the container's pidfd is what infra passes last. Gives the index of the cgroup to be born in. */
export function addExec(builder: ProgramBuilder, start: ExecStart, passing: Passing): { cgroup?: number } {
  const { context, container, streams } = start;
  const cgroup = addEnterCgroups(builder, passing, start.doors);
  const pidfd: PassedFd = { kind: "passed", index: passing.next, text: "container" };
  const proc = addFileSystem(builder, "open a procfs", "proc", [], [
    "MOUNT_ATTR_NOSUID",
    "MOUNT_ATTR_NODEV",
    "MOUNT_ATTR_NOEXEC",
  ]);
  builder.add("enter the container", call("setns", pidfd, flags("CLONE_NEWNS", "CLONE_NEWCGROUP")));
  const list = call(
    "openat",
    resultOf(proc),
    text("thread-self/children"),
    flags("O_RDONLY", "O_CLOEXEC"),
    0,
  );
  const children = builder.add("watch its children", list);
  builder.add("reap below", { reapBelow: true, children: resultOf(children) });
  builder.add("start a session", call("setsid"));
  addScore(
    builder,
    proc,
    String(oomScoreAdj(context.pod.spec, container, context.facts.cgroups.memoryBytes)),
  );
  addWorkingDirectory(builder, context, start.workingDirectory);
  if (streams.kind === "terminal") addTerminal(builder, streams);
  else addStdio(builder, [streams.stdin, streams.stdout, streams.stderr]);
  addProcess(builder, start.process, context.facts.lastCapability, false);
  return cgroup;
}

/** The container may have put a link to one of this process's descriptors in its place (CVE-2024-21626). */
function addWorkingDirectory(builder: ProgramBuilder, context: StartContext, path: string): void {
  const name = `enter the working directory "${path}"`;
  const root = addOpenPlace(builder, name, "/", ["O_DIRECTORY"]);
  const how = { open: ["O_PATH", "O_DIRECTORY"] as const, resolve: IN_ROOT, arch: context.facts.arch };
  const directory = addOpenInside(builder, name, resultOf(root), path, how);
  builder.add(name, call("fchdir", resultOf(directory)));
  addInsideCheck(builder);
}

function addScore(builder: ProgramBuilder, proc: Step, score: string): void {
  const name = `set oom_score_adj to ${score}`;
  const file = builder.add(
    name,
    call("openat", resultOf(proc), text("self/oom_score_adj"), flags("O_WRONLY", "O_CLOEXEC"), 0),
  );
  const data = bytes(new TextEncoder().encode(score), score);
  builder.add(name, call("write", resultOf(file), data, score.length), { tolerate: ["EACCES"] });
}

const DEVPTS_SUPER_MAGIC = 0x1cd1;
const STATFS_BYTES = 120;

/** A fresh terminal of the container's own devpts, which is checked to be one; its other side goes back through the socket. */
function addTerminal(
  builder: ProgramBuilder,
  { socket, size }: Extract<ExecStreams, { kind: "terminal" }>,
): void {
  const name = "make the terminal";
  const how = flags("O_RDWR", "O_NOCTTY", "O_CLOEXEC");
  const master = builder.add(
    name,
    call(
      "openat",
      "AT_FDCWD",
      text("/dev/pts/ptmx"),
      flags("O_RDWR", "O_NOCTTY", "O_NOFOLLOW", "O_CLOEXEC"),
      0,
    ),
  );
  const answer = bytes(new Uint8Array(new ArrayBuffer(STATFS_BYTES)), "<statfs>");
  builder.add(name, call("fstatfs", resultOf(master), answer));
  builder.add("check that /dev/pts is a devpts", {
    check: answer,
    offset: 0,
    mask: 0xffffffff,
    equals: DEVPTS_SUPER_MAGIC,
    errno: "ENOTTY",
  });
  builder.add(
    name,
    call("ioctl", resultOf(master), "TIOCSPTLCK", bytes(new Uint8Array(new ArrayBuffer(4)), "0")),
  );
  const { rows, columns } = size;
  const winsize = bytes(
    new Uint8Array(new Uint16Array([rows, columns, 0, 0]).buffer),
    `{${rows}, ${columns}}`,
  );
  builder.add(name, call("ioctl", resultOf(master), "TIOCSWINSZ", winsize));
  const slave = builder.add(name, call("ioctl", resultOf(master), "TIOCGPTPEER", how));
  addSendDescriptor(builder, socket, master);
  addControllingTerminal(builder, resultOf(slave));
  [0, 1, 2].forEach((target) =>
    builder.add(`set up descriptor ${target}`, call("dup3", resultOf(slave), target, 0))
  );
}

/** One byte with a descriptor beside it (SCM_RIGHTS), see `sendmsg(2)` and `cmsg(3)`. */
function addSendDescriptor(builder: ProgramBuilder, socket: PassedFd, fd: Step): void {
  const payload = bytes(new Uint8Array(new ArrayBuffer(1)), "<byte>");
  const control = bytes(new Uint8Array(new ArrayBuffer(24)), "SCM_RIGHTS");
  const controlView = new DataView(control.bytes.buffer as ArrayBuffer);
  controlView.setBigUint64(0, 20n, true);
  controlView.setInt32(8, 1, true);
  controlView.setInt32(12, 1, true);
  const iov: Data = {
    ...bytes(new Uint8Array(new ArrayBuffer(16)), "<iov>"),
    pointers: [{ at: 0, to: payload }],
  };
  new DataView(iov.bytes.buffer as ArrayBuffer).setBigUint64(8, 1n, true);
  const header: Data = {
    ...bytes(new Uint8Array(new ArrayBuffer(56)), "{SCM_RIGHTS}"),
    pointers: [{ at: 16, to: iov }, { at: 32, to: control }],
  };
  const view = new DataView(header.bytes.buffer as ArrayBuffer);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(40, 24n, true);
  builder.storeInto(fd, { in: control, at: 16 });
  builder.add("send the terminal's other side", call("sendmsg", socket, header, "MSG_NOSIGNAL"));
}
