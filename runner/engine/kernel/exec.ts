import {
  describeErrno,
  errnoNumber,
  FLAGS,
  INFRA_BUSY_PAUSE_MS,
  INFRA_REPLY_TIMEOUT_MS,
  SeedpodError,
} from "../../base/mod.ts";
import { InfraClient, type InfraEvent } from "../../infra/mod.ts";
import { runProgram } from "../../linux/mod.ts";
import {
  addExec,
  addExecHost,
  encodeProgram,
  type ExecStreams,
  memoryOf,
  Passing,
  podContainers,
  processId,
  type Program,
  ProgramBuilder,
} from "../../plan/mod.ts";
import { podPlaces, type PodRecord } from "../../state/mod.ts";
import {
  makePipe,
  openMemfd,
  type OwnedFd,
  receiveWithDescriptors,
  setReceiveTimeout,
  socketPair,
  type WindowSize,
} from "../../sys/mod.ts";
import { processOfContainer } from "./container_start.ts";
import type { Machine } from "./machine.ts";
import { openDirectory, openUserNamespace, passedDescriptors, startContext } from "./start.ts";

/** What a command run in a container is connected to. The descriptors belong to whoever gets them. */
export interface ExecIo {
  /** The command's streams are there: the terminal's other side, or the ends of pipes. */
  connected(
    ends: { terminal: OwnedFd } | { stdin: OwnedFd | undefined; stdout: OwnedFd; stderr: OwnedFd },
  ): void;
}

/** How a command is run. */
export interface ExecOptions {
  readonly command: readonly string[];
  readonly stdin: boolean;
  /** The size of the terminal that it gets; undefined for pipes. */
  readonly terminal: WindowSize | undefined;
  /** Kills the command and all that it started. */
  readonly signal: AbortSignal;
}

/** How long the terminal of a command may take to be there. */
const TERMINAL_TIMEOUT_MS = 10_000;

/**
 * Runs a command in a running container and gives its exit status (128 + signal where one ended it). Needs no daemon:
 * infra is asked directly.
 */
export async function execInContainer(
  machine: Machine,
  record: PodRecord,
  name: string,
  options: ExecOptions,
  io: ExecIo,
): Promise<number> {
  const { desired, state } = record;
  const memory = memoryOf(state, name);
  if (memory.state.at !== "running" || state.sandbox.at !== "ready") {
    throw new SeedpodError(
      `Cannot run a command in container "${name}" of pod "${desired.pod.metadata.name}": it does not run`,
      {
        fault: "user",
      },
    );
  }
  using directory = openDirectory(podPlaces(machine.root, desired.uid, desired.pod).run);
  using userNamespace = desired.pod.spec.hostUsers === false
    ? openUserNamespace(state.sandbox.pid)
    : undefined;
  const context = startContext(machine, desired, userNamespace);
  const { container } = podContainers(desired.pod).find((each) => each.container.name === name)!;
  const resolved = processOfContainer(machine, desired, context, name);
  const env = options.terminal && !resolved.process.env.some(([key]) => key === "TERM")
    ? [...resolved.process.env, ["TERM", "xterm"] as const]
    : resolved.process.env;
  const host = new ProgramBuilder();
  const doors = addExecHost(host, context, container, memory.attempt);
  using results = runProgram(host.build());
  using ends = new ExecEnds(options);
  const passing = new Passing();
  const streams = ends.pass(passing);
  const child = new ProgramBuilder();
  const start = {
    context,
    container,
    doors,
    process: { ...resolved.process, argv: options.command, env },
    workingDirectory: resolved.workingDirectory,
    streams,
  };
  const cgroup = addExec(child, start, passing);
  const program = child.build();
  using memfd = openMemfd("program", encodeProgram(program, machine.facts.arch).bytes);
  const run = await ExecRun.connect(directory, program, options.command);
  const descriptors = passedDescriptors(passing.sources, results, [], ends.theirs);
  const enter = processId(desired.pod, name, memory.attempt);
  run.client.spawn({ id: run.id, cloneFlags: 0, ephemeral: true, enter, ...cgroup }, memfd, descriptors);
  ends.handOver(io);
  options.signal.addEventListener("abort", () => run.kill());
  return await run.finished;
}

/** Both ends of a command's streams while it is being started. */
class ExecEnds implements Disposable {
  readonly theirs: OwnedFd[] = [];
  readonly #size: WindowSize | undefined;
  readonly #ours: (OwnedFd | undefined)[];

  constructor(options: ExecOptions) {
    this.#size = options.terminal;
    if (options.terminal) {
      const [ours, theirs] = socketPair();
      this.theirs.push(theirs);
      this.#ours = [ours];
      return;
    }
    const stdin = options.stdin ? makePipe() : undefined;
    const [stdout, stderr] = [makePipe(), makePipe()];
    this.theirs.push(stdout[1], stderr[1], ...(stdin ? [stdin[0]] : []));
    this.#ours = [stdin?.[1], stdout[0], stderr[0]];
  }

  pass(passing: Passing): ExecStreams {
    if (this.#size) {
      return { kind: "terminal", socket: passing.passOwn(0, "socket"), size: this.#size };
    }
    const [stdout, stderr] = [passing.passOwn(0, "stdout"), passing.passOwn(1, "stderr")];
    const stdin = this.theirs.length > 2 ? passing.passOwn(2, "stdin") : undefined;
    return { kind: "pipes", stdin, stdout, stderr };
  }

  /** Closes the command's ends here and hands on the others. */
  handOver(io: ExecIo): void {
    for (const fd of this.theirs) fd.close();
    const [first, stdout, stderr] = this.#ours;
    if (!this.#size) {
      this.#ours.length = 0;
      return io.connected({ stdin: first, stdout: stdout!, stderr: stderr! });
    }
    setReceiveTimeout(first!.number, TERMINAL_TIMEOUT_MS);
    const terminal = receiveWithDescriptors(first!.number, 1)?.descriptors[0];
    // without one the command has failed before it had a terminal, and infra tells why
    if (terminal) io.connected({ terminal });
  }

  [Symbol.dispose](): void {
    for (const fd of [...this.theirs, ...this.#ours]) fd?.close();
  }
}

/** One command's life as infra tells it. */
class ExecRun {
  readonly id: bigint;
  readonly client: InfraClient;
  readonly finished: Promise<number>;
  readonly #program: Program;
  readonly #command: readonly string[];
  /** Whether infra took the connection. */
  readonly #accepted: Promise<boolean>;

  /** Connects to the pod's infra; one that has as many clients as it takes is asked again. */
  static async connect(directory: OwnedFd, program: Program, command: readonly string[]): Promise<ExecRun> {
    const deadlineMs = performance.now() + INFRA_REPLY_TIMEOUT_MS;
    for (;;) {
      const run = new ExecRun(directory, program, command);
      if (await run.#accepted) return run;
      if (performance.now() > deadlineMs) {
        throw new SeedpodError("Cannot run a command: the pod's infra has too many clients");
      }
      await new Promise((resolve) => setTimeout(resolve, INFRA_BUSY_PAUSE_MS));
    }
  }

  private constructor(directory: OwnedFd, program: Program, command: readonly string[]) {
    this.#program = program;
    this.#command = command;
    this.id = crypto.getRandomValues(new BigUint64Array(1))[0]! | (1n << 63n);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const accepted = Promise.withResolvers<boolean>();
    this.finished = promise;
    this.#accepted = accepted.promise;
    // nobody waits for the end of a command that infra was never asked for
    promise.catch(() => {});
    const client = InfraClient.connect(directory, (event) => {
      if (event === undefined) {
        accepted.resolve(false);
        return reject(new SeedpodError("Cannot follow the command: the pod has ended", { fault: "user" }));
      }
      if (event.type === "end") return accepted.resolve(true);
      if (event.id !== this.id) return;
      if (event.type === "failed") reject(this.#failure(event));
      if (event.type === "exited") resolve(exitStatus(event.waitStatus));
      if (event.type === "failed" || event.type === "exited") this.client.close();
    });
    if (!client) {
      throw new SeedpodError("Cannot run a command: the pod's infra does not answer", { fault: "user" });
    }
    this.client = client;
    try {
      client.list(0n);
    } catch {
      // refused already
      accepted.resolve(false);
    }
  }

  /** Kills the command and all below it, if it has not ended yet. */
  kill(): void {
    if (!this.client.closed) this.client.kill(this.id, FLAGS.SIGKILL);
  }

  #failure(event: InfraEvent & { type: "failed" }): SeedpodError {
    const step = this.#program.steps[event.step];
    const what = step?.name ?? "start its first process";
    const subject = JSON.stringify(this.#command[0] ?? "");
    return new CommandNotRun(
      `Cannot run ${subject}: cannot ${what}: ${describeErrno(event.errno)}`,
      event.errno,
    );
  }
}

/** A command that never ran; its exit status is a shell's: 127 when there is no such file, and else 126. */
export class CommandNotRun extends SeedpodError {
  override readonly name = "CommandNotRun";
  readonly exitStatus: number;

  /** From the sentence and the error number of the step that failed. */
  constructor(message: string, errno: number) {
    super(message, { fault: "user" });
    this.exitStatus = errno === errnoNumber("ENOENT") ? 127 : 126;
  }
}

/** The exit status of a shell for a wait status. */
export function exitStatus(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal ? 128 + signal : (waitStatus >> 8) & 0xff;
}
