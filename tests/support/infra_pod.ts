import { descendantsOf, processStatus } from "./infra_proc.ts";
import { FLAGS } from "../../runner/base/mod.ts";
import {
  InfraClient,
  type InfraEvent,
  infraExecutable,
  type LogSettings,
  type SpawnRequest,
  StageZero,
} from "../../runner/infra/mod.ts";
import {
  call,
  encodeProgram,
  type Program,
  ProgramBuilder,
  resultOf,
  text,
  vector,
} from "../../runner/plan/mod.ts";
import { flag, HOST_ARCH, listenUnix, openMemfd, OwnedFd, syscall } from "../../runner/sys/mod.ts";

/** A program's bytes in a memfd, as infra takes them. */
export function programFd(program: Program): OwnedFd {
  return openMemfd("program", encodeProgram(program, HOST_ARCH).bytes);
}

/** A pipe: read end, write end. */
export function openPipe(): [OwnedFd, OwnedFd] {
  const pair = new Int32Array(new ArrayBuffer(8));
  syscall("make a pipe", "pipe2", new Uint8Array(pair.buffer), flag("O_CLOEXEC"));
  return [new OwnedFd(pair[0]!), new OwnedFd(pair[1]!)];
}

/** A directory's descriptor. */
export function openDirectory(path: string): OwnedFd {
  const name = new TextEncoder().encode(`${path}\0`);
  const flags = flag("O_RDONLY", "O_DIRECTORY", "O_CLOEXEC");
  return new OwnedFd(syscall(`open "${path}"`, "openat", FLAGS.AT_FDCWD, name, flags));
}

/** Adds the steps that give the process a procfs of its own PID namespace, in a mount namespace of its own. */
export function addOwnProc(builder: ProgramBuilder): void {
  builder.add(
    "keep mounts to itself",
    call("mount", 0, text("/"), 0, { kind: "flags", names: ["MS_REC", "MS_PRIVATE"] }, 0),
  );
  builder.add("mount proc on /proc", call("mount", text("proc"), text("/proc"), text("proc"), 0, 0));
}

/** What a test starts. */
export interface Command {
  readonly argv: readonly string[];
  /** A PID namespace and procfs of its own. */
  readonly ownPid?: boolean;
  /** Enters the namespaces of this process, below a reaper. */
  readonly enter?: bigint;
  /** Whether stdout and stderr go to pipes that infra reads. */
  readonly piped?: boolean;
  readonly log?: { readonly directory: string } & Omit<LogSettings, "directory">;
  readonly request?: Partial<SpawnRequest>;
  /** Descriptors passed besides; their indexes begin at 1. */
  readonly descriptors?: readonly OwnedFd[];
}

const passed = (index: number) => ({ kind: "passed", index, text: `descriptor ${index}` }) as const;

/** The program of a command. `entered` is the index of the pidfd of the process that is entered. */
function commandProgram(
  command: Command,
  pipes: { out: number; err: number } | undefined,
  entered: number,
): Program {
  const builder = new ProgramBuilder();
  if (command.ownPid) addOwnProc(builder);
  if (command.enter !== undefined) {
    builder.add("enter the mount namespace", call("setns", passed(entered), "CLONE_NEWNS"));
    const children = builder.add(
      "open the list of children",
      call("openat", "AT_FDCWD", text("/proc/thread-self/children"), "O_CLOEXEC", 0),
    );
    builder.add("leave a reaper behind", { reapBelow: true, children: resultOf(children) });
  }
  if (pipes) {
    builder.add("make the pipe its stdout", call("dup3", passed(pipes.out), 1, 0));
    builder.add("make the pipe its stderr", call("dup3", passed(pipes.err), 2, 0));
  }
  const environment = vector(["PATH=/bin:/usr/bin:/sbin:/usr/sbin"]);
  builder.add("execute", call("execve", text(command.argv[0]!), vector(command.argv), environment));
  return builder.build();
}

/** A shell's command. */
export function shell(script: string): Command {
  return { argv: ["/bin/busybox", "sh", "-c", script] };
}

/** Asks again every few milliseconds until the answer is yes; fails after some seconds. */
export async function until(question: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await question());) {
    if (Date.now() > end) throw new Error(`it never came true: ${question}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A client whose events a test waits for. */
export class TestClient implements Disposable {
  readonly events: (InfraEvent | undefined)[] = [];
  readonly client: InfraClient;
  #wake: () => void = () => {};

  /** Takes over what {@linkcode TestInfra.connect} opens. */
  constructor(connect: (listener: (event: InfraEvent | undefined) => void) => InfraClient) {
    this.client = connect((event) => {
      this.events.push(event);
      this.#wake();
    });
  }

  /** The first event, gone by or to come, that the question is answered yes for. */
  async event<T extends InfraEvent["type"]>(
    type: T,
    id: bigint,
    skip = 0,
  ): Promise<Extract<InfraEvent, { type: T }>> {
    for (;;) {
      const found = this.events.filter((event) => event?.type === type && event.id === id)[skip];
      if (found) return found as Extract<InfraEvent, { type: T }>;
      if (this.events.includes(undefined)) {
        throw new Error(`infra went away before it told "${type}" of ${id}`);
      }
      await this.changed();
    }
  }

  /** Waits until infra has closed the connection. */
  async ended(): Promise<void> {
    while (!this.events.includes(undefined)) await this.changed();
  }

  /** Waits for the next event. */
  changed(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`infra tells nothing more after ${show(this.events)}`)),
        20_000,
      );
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #listed = 1_000_000n;
  /** Asks for the list of processes, and waits for its end. */
  async list(): Promise<Extract<InfraEvent, { type: "state" }>[]> {
    const id = this.#listed++;
    const before = this.events.length;
    this.client.list(id);
    await this.event("end", id);
    return this.events.slice(before).filter((event) => event?.type === "state");
  }

  /** Spawns a command. */
  spawn(id: bigint, command: Command): void {
    const own: OwnedFd[] = [];
    const fds: OwnedFd[] = [...command.descriptors ?? []];
    const pass = (fd: OwnedFd): number => {
      own.push(fd);
      return fds.push(fd);
    };
    let pipes: { out: number; err: number } | undefined;
    let request: SpawnRequest = {
      id,
      cloneFlags: command.ownPid ? FLAGS.CLONE_NEWPID | FLAGS.CLONE_NEWNS : 0,
      ...(command.ownPid ? { ownPidNamespace: true } : {}),
      ...(command.enter === undefined ? {} : { enter: command.enter }),
    };
    if (command.piped || command.log) {
      const [out, outWrite] = openPipe();
      const [err, errWrite] = openPipe();
      request = { ...request, stdout: pass(out), stderr: pass(err) };
      pipes = { out: pass(outWrite), err: pass(errWrite) };
    }
    if (command.log) {
      const { directory, ...rest } = command.log;
      request = { ...request, log: { directory: pass(openDirectory(directory)), ...rest } };
    }
    using program = programFd(commandProgram(command, pipes, fds.length + 1));
    this.client.spawn({ ...request, ...command.request }, program, fds);
    for (const fd of own) fd.close();
  }

  /** Spawns a command, waits for its end, acknowledges it, and gives its wait status. */
  async run(id: bigint, command: Command): Promise<number> {
    this.spawn(id, command);
    const { waitStatus } = await this.event("exited", id);
    this.client.ack(id);
    return waitStatus;
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_key, part) => typeof part === "bigint" ? `${part}` : part);

/** A sandbox of PID, mount and network namespace with nothing in it but infra. */
export class TestInfra implements Disposable {
  /** The directory of the socket, removed in the end. */
  readonly directory: string;
  /** infra's PID on the host. */
  readonly pid: number;
  readonly #directoryFd: OwnedFd;

  /** Starts infra; throws when it does not serve. */
  constructor(options: { cloneFlags?: number } = {}) {
    this.directory = Deno.makeTempDirSync({ prefix: "seedpod-infra-" });
    this.#directoryFd = openDirectory(this.directory);
    using listener = listenUnix(this.#directoryFd, "infra.sock");
    const builder = new ProgramBuilder();
    addOwnProc(builder);
    builder.add("hand over the socket", call("dup3", passed(1), 3, 0));
    const exec = call("execveat", passed(2), text(""), vector(["infra"]), vector([]), "AT_EMPTY_PATH");
    builder.add("serve", exec);
    using program = programFd(builder.build());
    const { CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC } = FLAGS;
    const cloneFlags = options.cloneFlags ?? (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC);
    using stage = new StageZero({ cloneFlags, program, descriptors: [listener, infraExecutable()] });
    const outcome = stage.outcome();
    if (outcome.type !== "spawned") throw new Error(`infra did not start: ${show(outcome)}`);
    this.pid = outcome.pid;
  }

  /** A new connection. */
  connect(): TestClient {
    return new TestClient((listener) => {
      const client = InfraClient.connect(this.#directoryFd, listener);
      if (!client) throw new Error("nobody listens on infra's socket");
      return client;
    });
  }

  /** The PID on the host of a process that infra knows by `pid`. */
  hostPid(pid: number): number {
    const found = descendantsOf(this.pid).find((host) =>
      processStatus(host).get("NSpid")?.split("\t")[1] === String(pid)
    );
    if (found === undefined) throw new Error(`no process below infra is its ${pid}`);
    return found;
  }

  /** The descriptor of the socket's directory. */
  get directoryFd(): OwnedFd {
    return this.#directoryFd;
  }

  /** Whether infra lives. */
  get alive(): boolean {
    try {
      return !Deno.readTextFileSync(`/proc/${this.pid}/stat`).includes(") Z ");
    } catch {
      return false;
    }
  }

  [Symbol.dispose](): void {
    if (this.alive) Deno.kill(this.pid, "SIGKILL");
    this.#directoryFd.close();
    Deno.removeSync(this.directory, { recursive: true });
  }
}
