import {
  errnoNumber,
  FLAGS,
  INFRA_REPLY_TIMEOUT_MS,
  SANDBOX_KILL_TIMEOUT_MS,
  SeedpodError,
} from "../base/mod.ts";
import {
  cString,
  flag,
  OwnedFd,
  receiveWithDescriptors,
  sendWithDescriptors,
  setReceiveTimeout,
  socketPair,
  spawnExecutable,
  syscall,
  SysError,
  trySyscall,
  waitChild,
} from "../sys/mod.ts";
import { infraExecutable } from "./binary.ts";
import { decodeEvent, encodeKill, encodeSpawn, type InfraEvent, MESSAGE_BYTES } from "./protocol.ts";

const EACCES = errnoNumber("EACCES");

/** The name that stage 0 knows the pod's PID 1 by. */
const SANDBOX = 1n;

/** What {@linkcode launchSandbox} is given. */
export interface SandboxLaunch {
  /** CLONE_* flags of the pod's PID 1. */
  readonly cloneFlags: number;
  /** The memfd of the sandbox program, which ends in `serve`. */
  readonly program: OwnedFd;
  /** The descriptors that the program refers to, from index 1 on. */
  readonly descriptors: readonly OwnedFd[];
  /** Index of the descriptor of the cgroup v2 directory to be born in. */
  readonly cgroup?: number;
  /** Index of the descriptor of the user namespace to be born in. */
  readonly userNamespace?: number;
  /** What the pod's PID 1 inherits from stage 0; where the machine refuses it, the daemon's own is the nearest allowed. */
  readonly oomScoreAdj?: number;
}

/** Stage 0: a process that has cloned the pod's PID 1, or is about to, and leaves when it is let go. */
export class StageZero implements Disposable {
  readonly #socket: OwnedFd;
  readonly #pid: number;

  /** Starts stage 0, with /dev/null for its standard streams, and hands it the launch. */
  constructor(launch: SandboxLaunch) {
    const [ours, theirs] = socketPair();
    this.#socket = ours;
    using nowhere = openNowhere();
    const descriptors = new Map([[0, nowhere], [1, nowhere], [2, nowhere], [3, theirs]]);
    this.#pid = spawnExecutable(infraExecutable(), "infra", descriptors);
    theirs.close();
    try {
      this.#ask(launch);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #ask(launch: SandboxLaunch): void {
    if (launch.oomScoreAdj !== undefined) setOomScoreAdj(this.#pid, launch.oomScoreAdj);
    const cgroup = launch.cgroup === undefined ? {} : { cgroup: launch.cgroup };
    const born = launch.userNamespace === undefined ? {} : { userNamespace: launch.userNamespace };
    const request = encodeSpawn({ id: SANDBOX, cloneFlags: launch.cloneFlags, ...cgroup, ...born });
    sendWithDescriptors(
      this.#socket.number,
      request,
      [launch.program, ...launch.descriptors].map((fd) => fd.number),
    );
  }

  /**
   * Waits until the sandbox serves (`spawned`, with its PID as this process sees it), has failed, or has been killed
   * before it served (`exited`). One that takes too long is killed.
   */
  outcome(): InfraEvent {
    setReceiveTimeout(this.#socket.number, INFRA_REPLY_TIMEOUT_MS);
    const answer = this.#receive();
    const event = answer && decodeEvent(answer.bytes);
    if (!event) throw new SeedpodError("Cannot start infra: its first stage went away without an answer");
    return event;
  }

  #receive(): ReturnType<typeof receiveWithDescriptors> {
    try {
      return receiveWithDescriptors(this.#socket.number, MESSAGE_BYTES);
    } catch (error) {
      if (!(error instanceof SysError && error.is("EAGAIN"))) throw error;
      this.#abandon();
      throw new SeedpodError(`Cannot start infra: no step has ended it in ${INFRA_REPLY_TIMEOUT_MS} ms`, {
        cause: error,
        hint: "Look whether a file system that the pod mounts has stopped to answer",
      });
    }
  }

  /** Kills the sandbox that hangs and then stage 0, so that nobody waits for what not even SIGKILL can end. */
  #abandon(): void {
    sendWithDescriptors(this.#socket.number, encodeKill(SANDBOX, FLAGS.SIGKILL), []);
    setReceiveTimeout(this.#socket.number, SANDBOX_KILL_TIMEOUT_MS);
    try {
      receiveWithDescriptors(this.#socket.number, MESSAGE_BYTES);
    } catch (error) {
      if (!(error instanceof SysError && error.is("EAGAIN"))) throw error;
    }
    Deno.kill(this.#pid, "SIGKILL");
  }

  /** Lets stage 0 go and waits for its end: it goes as soon as the sandbox serves or has failed. */
  [Symbol.dispose](): void {
    this.#socket.close();
    waitChild(this.#pid);
  }
}

/** Sets how soon the kernel kills a process where memory runs out, see `proc_pid_oom_score_adj(5)`. */
function setOomScoreAdj(pid: number, score: number): void {
  const path = `/proc/${pid}/oom_score_adj`;
  const how = flag("O_WRONLY", "O_CLOEXEC");
  using file = new OwnedFd(syscall(`open "${path}"`, "openat", FLAGS.AT_FDCWD, cString(path), how, 0));
  const text = new TextEncoder().encode(String(score));
  const written = trySyscall("write", file.number, text, text.length);
  if (written < 0 && written !== -EACCES) throw new SysError(`set oom_score_adj to ${score}`, -written);
}

function openNowhere(): OwnedFd {
  const flags = flag("O_RDWR", "O_CLOEXEC");
  return new OwnedFd(syscall('open "/dev/null"', "openat", FLAGS.AT_FDCWD, cString("/dev/null"), flags, 0));
}
