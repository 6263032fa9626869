/** The last part of every program that becomes a user's process: who it is, what it may do, and its execve. */
import { type ArgLike, bytes, call, type PassedFd, type ProgramBuilder, text, vector } from "../program.ts";
import { boundingDrops, type CapabilitySets, encodeCapData, encodeCapHeader } from "../hardening/mod.ts";

/** Adds the check that the working directory is in the root: getcwd(2) says `(unreachable)` of a directory outside the root (CVE-2024-21626). */
export function addInsideCheck(builder: ProgramBuilder): void {
  const room = bytes(new Uint8Array(new ArrayBuffer(4096)), "<cwd>");
  builder.add("find the working directory", call("getcwd", room, room.bytes.length));
  builder.add("stay inside the rootfs", {
    check: room,
    offset: 0,
    mask: 0xff,
    equals: "/".charCodeAt(0),
    errno: "EXDEV",
  });
}

/** The user and groups of a process. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, by the Kubernetes table. */
  readonly groups: readonly number[];
  /** The home directory that its passwd file names. */
  readonly home: string;
}

/** All that distinguishes a process from the child that becomes it. */
export interface ProcessSettings {
  readonly argv: readonly string[];
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly identity: Identity;
  readonly capabilities: CapabilitySets;
  readonly noNewPrivileges: boolean;
  /** struct sock_filter[], or undefined for none. */
  readonly seccomp: Uint8Array | undefined;
  readonly seccompFlags: number;
  /** The manifest path of the container. */
  readonly from: readonly (string | number)[];
}

/** Standard input, output and error of a process. */
export type Stdio = readonly [stdin: PassedFd | undefined, stdout: PassedFd, stderr: PassedFd];

/**
 * Adds the last steps: descriptors, keyring, capabilities, ids, seccomp, execve. With `endsWithInfra` the process is killed
 * when infra dies, as where no PID namespace does that.
 */
export function addProcess(
  builder: ProgramBuilder,
  settings: ProcessSettings,
  lastCapability: number,
  endsWithInfra: boolean,
): void {
  const security = { from: [...settings.from, "securityContext"] };
  builder.add("start a session keyring", call("keyctl", "KEYCTL_JOIN_SESSION_KEYRING", 0, 0, 0, 0), {
    tolerate: ["ENOSYS", "EDQUOT"],
  });
  for (const capability of boundingDrops(settings.capabilities, lastCapability)) {
    builder.add("drop a capability", call("prctl", "PR_CAPBSET_DROP", capability, 0, 0, 0), security);
  }
  if (!settings.noNewPrivileges) addSeccomp(builder, settings);
  addIdentity(builder, settings);
  const header = bytes(encodeCapHeader(), "{version=3, pid=0}");
  const sets = bytes(
    encodeCapData(settings.capabilities),
    `{effective=0x${settings.capabilities.effective.toString(16)}}`,
  );
  builder.add("set the capabilities", call("capset", header, sets), security);
  if (endsWithInfra) {
    // a change of ids or capabilities would take it back
    builder.add("end with infra", call("prctl", "PR_SET_PDEATHSIG", "SIGKILL", 0, 0, 0), {
      from: ["spec", "hostPID"],
    });
  }
  if (settings.noNewPrivileges) {
    builder.add("forbid new privileges", call("prctl", "PR_SET_NO_NEW_PRIVS", 1, 0, 0, 0), {
      from: [...settings.from, "securityContext", "allowPrivilegeEscalation"],
    });
    addSeccomp(builder, settings);
  }
  // at once and not at the execve: the command's path may be a link into /proc/self/fd (CVE-2019-5736, CVE-2024-21626)
  builder.add("close every other descriptor", call("close_range", 3, 0xffffffff, 0));
  addExecve(builder, settings);
}

/** Adds the descriptors 0, 1 and 2; standard input stays /dev/null where none is given. */
export function addStdio(builder: ProgramBuilder, stdio: Stdio): void {
  stdio.forEach((fd, index) => {
    if (fd) builder.add(`set up descriptor ${index}`, call("dup3", fd, index, 0));
  });
}

function addIdentity(builder: ProgramBuilder, settings: ProcessSettings): void {
  const { uid, gid, groups } = settings.identity;
  const list = new Uint32Array(groups);
  const from = [...settings.from, "securityContext"];
  builder.add(
    "set the supplementary groups",
    call("setgroups", groups.length, bytes(new Uint8Array(list.buffer), `[${groups}]`)),
    { from },
  );
  builder.add(`become group ${gid}`, call("setresgid", gid, gid, gid), { from: [...from, "runAsGroup"] });
  // keep the capabilities over the change of user, so that capset sets exactly what is asked
  builder.add("keep capabilities for now", call("prctl", "PR_SET_KEEPCAPS", 1, 0, 0, 0));
  builder.add(`become user ${uid}`, call("setresuid", uid, uid, uid), { from: [...from, "runAsUser"] });
}

/** struct sock_fprog. Without no_new_privs the kernel asks for CAP_SYS_ADMIN, so it comes before that is dropped. */
function addSeccomp(builder: ProgramBuilder, settings: ProcessSettings): void {
  if (!settings.seccomp) return;
  const program = new Uint8Array(new ArrayBuffer(16));
  new DataView(program.buffer).setUint16(0, settings.seccomp.length / 8, true);
  const label = `{${settings.seccomp.length / 8} instructions}`;
  const data = { ...bytes(program, label), pointers: [{ at: 8, to: bytes(settings.seccomp, "filter") }] };
  builder.add(
    "install the seccomp filter",
    call("seccomp", "SECCOMP_SET_MODE_FILTER", settings.seccompFlags, data),
    {
      from: [...settings.from, "securityContext", "seccompProfile"],
    },
  );
}

/** PATH where the container's environment has none. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A command without a slash is looked for in the container's PATH, as `execvp(3)` does. */
function addExecve(builder: ProgramBuilder, settings: ProcessSettings): void {
  const [command = ""] = settings.argv;
  const path = settings.env.findLast(([name]) => name === "PATH")?.[1] ?? DEFAULT_PATH;
  const candidates = command.includes("/")
    ? [command]
    : path.split(":").map((directory) => `${directory === "" ? "." : directory}/${command}`);
  const argv = vector(settings.argv);
  const env = vector(settings.env.map(([name, value]) => `${name}=${value}`));
  candidates.forEach((candidate, index) => {
    const last = index === candidates.length - 1;
    const where = command.includes("/") ? "" : last ? ` (looked for in ${path})` : "";
    builder.add(`run ${JSON.stringify(command)}${where}`, call("execve", text(candidate), argv, env), {
      from: [...settings.from, "command"],
      ...(last ? {} : { tolerate: ["ENOENT", "EACCES"] as const }),
    });
  });
}

/** Adds the making of a terminal the controlling one. */
export function addControllingTerminal(builder: ProgramBuilder, terminal: ArgLike): void {
  builder.add("take the terminal", call("ioctl", terminal, "TIOCSCTTY", 0));
}
