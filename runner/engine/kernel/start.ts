/** Effects that make: the sandbox and the attempts of containers, by programs. */
import {
  CONTAINER_LOG_MAX_BYTES,
  CONTAINER_LOG_MAX_FILES,
  describeErrno,
  SeedpodError,
} from "../../base/mod.ts";
import {
  INFRA_SOCKET,
  type InfraClient,
  infraExecutable,
  makeUserNamespace,
  type SandboxLaunch,
  type SpawnRequest,
  StageZero,
} from "../../infra/mod.ts";
import { parseMountInfo, type ProgramResults, readProcStat, runProgram } from "../../linux/mod.ts";
import {
  addContainer,
  addContainerHost,
  addSandbox,
  addSandboxHost,
  type Attempt,
  containerCloneFlags,
  encodeProgram,
  hasOwnPidNamespace,
  type PassedSource,
  Passing,
  processId,
  type Program,
  ProgramBuilder,
  sandboxCloneFlags,
  sandboxOomScoreAdj,
  type StartContext,
} from "../../plan/mod.ts";
import { type DesiredPod, podPlaces } from "../../state/mod.ts";
import { cString, flag, listenUnix, openMemfd, OwnedFd, syscall } from "../../sys/mod.ts";
import { addVolumes, type PreparedVolume } from "../../volume/mod.ts";
import { containerStart } from "./container_start.ts";
import type { Machine } from "./machine.ts";
import { cgroupFaults } from "./cgroups.ts";
import { idRangeOf } from "./user_ids.ts";

/** A directory of seedpod's own, by descriptor. */
export function openDirectory(path: string): OwnedFd {
  const how = flag("O_RDONLY", "O_DIRECTORY", "O_CLOEXEC");
  return new OwnedFd(syscall(`open "${path}"`, "openat", flag("AT_FDCWD"), cString(path), how, 0));
}

/** What the programs of a pod are made from; `userNamespace` is a descriptor where the pod has users of its own. */
export function startContext(
  machine: Machine,
  desired: DesiredPod,
  userNamespace: OwnedFd | undefined,
): StartContext {
  const { uid, pod } = desired;
  const range = userNamespace && { fd: userNamespace.number, ...idRangeOf(desired) };
  return {
    uid,
    pod,
    facts: machine.facts,
    places: podPlaces(machine.root, uid, pod),
    userNamespace: range ?? null,
  };
}

/** The ConfigMaps or Secrets that a pod was declared with, by name. */
export function byName<T extends { metadata?: { name?: string } }>(objects: readonly T[]): Map<string, T> {
  return new Map(objects.map((object) => [object.metadata?.name ?? "", object]));
}

/** The two programs of a sandbox. */
export interface SandboxPrograms {
  readonly host: Program;
  readonly child: Program;
  readonly passed: readonly PassedSource[];
  readonly cgroup?: number;
}

/** Plans a sandbox: indexes 1 and 2 of what is passed are infra's executable and its socket. */
export function planSandbox(
  machine: Machine,
  desired: DesiredPod,
  context: StartContext,
  nowMs: number,
): SandboxPrograms {
  const builder = new ProgramBuilder();
  const host = addSandboxHost(builder, context);
  const volumes: PreparedVolume[] = addVolumes(builder, {
    pod: desired.pod,
    configMaps: byName(desired.configMaps),
    secrets: byName(desired.secrets),
    volumesDirectory: `${context.places.lib}/volumes`,
    mountPoints: `${context.places.run}/sandbox/v`,
    userNamespace: context.userNamespace,
    memoryBytes: machine.facts.cgroups.memoryBytes,
    hugePageSizes: machine.facts.cgroups.hugePageSizesBytes,
    nowMs,
    mounts: () => parseMountInfo(Deno.readTextFileSync("/proc/self/mountinfo")),
    arch: machine.facts.arch,
    kernel: machine.facts.kernel,
  });
  const child = new ProgramBuilder();
  const passing = new Passing(3);
  const executable = { kind: "passed", index: 1, text: "infra" } as const;
  const listener = { kind: "passed", index: 2, text: "socket" } as const;
  const born = addSandbox(child, context, passing, { executable, listener, host, volumes });
  return { host: builder.build(), child: child.build(), passed: passing.sources, ...born };
}

/** What the machine cannot do of what the manifest asks of cgroups is an error before anything is started. */
function refuseCgroupFaults({ facts, pod }: StartContext): void {
  const faults = cgroupFaults(facts, pod).map(({ message }) => message);
  if (faults.length === 0) return;
  throw new SeedpodError(`Cannot set up the cgroup of pod "${pod.metadata.name}": ${faults.join("; ")}`, {
    fault: "user",
  });
}

/** Opens what a program passes on; the words (pipe ends) become owned by the caller, whose `own` descriptors stay so. */
export function passedDescriptors(
  sources: readonly PassedSource[],
  results: ProgramResults,
  words: OwnedFd[],
  own: readonly OwnedFd[] = [],
): OwnedFd[] {
  return sources.map((source) => {
    if (source.kind === "step") return results.fdOf(source.step);
    if (source.kind === "own") return own[source.place]!;
    const word = new OwnedFd(results.wordAt(source.data, source.at));
    words.push(word);
    return word;
  });
}

function launch(
  context: StartContext,
  desired: DesiredPod,
  parts: Omit<SandboxLaunch, "cloneFlags" | "oomScoreAdj">,
  child: Program,
  meanwhile: () => void,
): number {
  const inUserNamespace = context.userNamespace ? { userNamespace: parts.descriptors.length } : {};
  using stageZero = new StageZero({
    cloneFlags: flag(...sandboxCloneFlags(context)),
    oomScoreAdj: sandboxOomScoreAdj(context),
    ...parts,
    ...inUserNamespace,
  });
  meanwhile();
  const outcome = stageZero.outcome();
  if (outcome.type === "spawned") return outcome.pid;
  const where = `Cannot start the sandbox of pod "${desired.pod.metadata.name}"`;
  if (outcome.type !== "failed") throw new SeedpodError(`${where}: its first process was killed`);
  const step = child.steps[outcome.step];
  throw new SeedpodError(
    `${where}: cannot ${step?.name ?? "clone its first process"}: ${describeErrno(outcome.errno)}`,
    {
      ...(step?.hint ? { hint: step.hint } : {}),
    },
  );
}

/** A sandbox that stands, and the attempt of a container that was prepared while it was made. */
export interface MadeSandbox {
  readonly pid: number;
  readonly startTicks: number;
  readonly prepared: PreparedContainer | undefined;
}

/**
 * Makes the pod's sandbox: namespaces, cgroup, volumes, PID 1. While another processor runs the sandbox's program, this one
 * prepares the attempt `first`.
 */
export function createSandbox(
  machine: Machine,
  desired: DesiredPod,
  first: Attempt | undefined,
  nowMs: number,
): MadeSandbox {
  const range = desired.pod.spec.hostUsers === false ? idRangeOf(desired) : undefined;
  using userNamespace = range && makeUserNamespace(range);
  const context = startContext(machine, desired, userNamespace);
  refuseCgroupFaults(context);
  const { places } = context;
  for (const path of [places.run, places.lib]) Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  Deno.mkdirSync(places.logs, { recursive: true, mode: 0o755 });
  const programs = planSandbox(machine, desired, context, nowMs);
  using results = runProgram(programs.host);
  using directory = openDirectory(places.run);
  using listener = listenUnix(directory, INFRA_SOCKET);
  using program = openMemfd("program", encodeProgram(programs.child, machine.facts.arch).bytes);
  const passed = [infraExecutable(), listener, ...passedDescriptors(programs.passed, results, [])];
  const descriptors = userNamespace ? [...passed, userNamespace] : passed;
  const cgroup = programs.cgroup === undefined ? {} : { cgroup: programs.cgroup };
  using unused = new DisposableStack();
  let prepared: PreparedContainer | undefined;
  const prepare = (): void => {
    if (!first) return;
    try {
      prepared = unused.use(new PreparedContainer(machine, desired, context, first.name, first.attempt));
    } catch {
      // it is prepared once more when it is asked for, and then its error is told
    }
  };
  const pid = launch(context, desired, { program, descriptors, ...cgroup }, programs.child, prepare);
  const stat = readProcStat(pid);
  if (!stat) {
    throw new SeedpodError(
      `Cannot start the sandbox of pod "${desired.pod.metadata.name}": its first process is gone`,
    );
  }
  unused.move();
  return { pid, startTicks: stat.startTicks, prepared };
}

/** The two programs of a container's attempt. */
export interface ContainerPrograms {
  readonly host: Program;
  readonly child: Program;
  readonly passed: readonly PassedSource[];
  readonly keeps: ReturnType<typeof addContainer>;
}

/** Plans an attempt of a container. */
export function planContainer(
  machine: Machine,
  desired: DesiredPod,
  context: StartContext,
  name: string,
  attempt: number,
): ContainerPrograms {
  const start = containerStart(machine, desired, context, name, attempt);
  const hostBuilder = new ProgramBuilder();
  const host = addContainerHost(hostBuilder, start);
  const builder = new ProgramBuilder();
  const passing = new Passing();
  const keeps = addContainer(builder, start, host, passing);
  return { host: hostBuilder.build(), child: builder.build(), passed: passing.sources, keeps };
}

/** An attempt of a container for which the daemon has made all its calls: infra is asked for it next, or it is let go. */
export class PreparedContainer implements Disposable {
  readonly id: bigint;
  /** The child's program, whose steps name what may fail there. */
  readonly program: Program;
  readonly #request: SpawnRequest;
  readonly #memfd: OwnedFd;
  readonly #descriptors: readonly OwnedFd[];
  readonly #resources: DisposableStack;

  /** Throws when the preparation fails. */
  constructor(
    machine: Machine,
    desired: DesiredPod,
    context: StartContext,
    name: string,
    attempt: number,
  ) {
    const programs = planContainer(machine, desired, context, name, attempt);
    const { keeps } = programs;
    this.id = processId(desired.pod, name, attempt);
    this.program = programs.child;
    using resources = new DisposableStack();
    const results = resources.use(runProgram(programs.host));
    const bytes = encodeProgram(programs.child, machine.facts.arch).bytes;
    this.#memfd = resources.use(openMemfd("program", bytes));
    const words: OwnedFd[] = [];
    resources.defer(() => words.forEach((word) => word.close()));
    this.#descriptors = passedDescriptors(programs.passed, results, words);
    this.#request = {
      id: this.id,
      cloneFlags: flag(...containerCloneFlags(context)),
      ownPidNamespace: hasOwnPidNamespace(context),
      stdout: keeps.stdout,
      ...(keeps.stderr === undefined ? {} : { stderr: keeps.stderr }),
      ...(keeps.cgroup === undefined ? {} : { cgroup: keeps.cgroup }),
      log: {
        directory: keeps.logDirectory,
        attempt,
        maxBytes: CONTAINER_LOG_MAX_BYTES,
        maxFiles: CONTAINER_LOG_MAX_FILES,
      },
      keep: keeps.keep,
    };
    this.#resources = resources.move();
  }

  /** Asks infra for the container. */
  spawn(client: InfraClient): void {
    client.spawn(this.#request, this.#memfd, this.#descriptors);
  }

  [Symbol.dispose](): void {
    this.#resources[Symbol.dispose]();
  }
}

/** Prepares an attempt in a sandbox that stands already. */
export function prepareContainer(
  machine: Machine,
  desired: DesiredPod,
  infraPid: number,
  name: string,
  attempt: number,
): PreparedContainer {
  using userNamespace = desired.pod.spec.hostUsers === false ? openUserNamespace(infraPid) : undefined;
  const context = startContext(machine, desired, userNamespace);
  return new PreparedContainer(machine, desired, context, name, attempt);
}

/** The user namespace of a pod that runs, taken from its PID 1. */
export function openUserNamespace(pid: number): OwnedFd {
  const path = cString(`/proc/${pid}/ns/user`);
  const how = flag("O_RDONLY", "O_CLOEXEC");
  return new OwnedFd(syscall("open the pod's user namespace", "openat", flag("AT_FDCWD"), path, how, 0));
}
