import {
  describeErrno,
  FALLBACK_LOG_MAX_BYTES,
  FALLBACK_LOG_MAX_LINES,
  FLAGS,
  TERMINATION_MESSAGE_MAX_BYTES,
} from "../../base/mod.ts";
import { InfraClient, type InfraEvent, takeDescriptor } from "../../infra/mod.ts";
import { killCgroup, readCounters, removeCgroupTree } from "../../linux/mod.ts";
import {
  containerCgroup,
  layerMountPoint,
  podContainers,
  type PodState,
  processId,
  processOf,
  type Program,
} from "../../plan/mod.ts";
import { type DesiredPod, podPlaces, readLog } from "../../state/mod.ts";
import { cString, flag, type OwnedFd, trySyscall } from "../../sys/mod.ts";
import type { Machine } from "./machine.ts";
import type { Sandbox, SandboxEvent } from "../ports.ts";
import { openDirectory, prepareContainer, type PreparedContainer } from "./start.ts";

/** The identity of a pod's PID 1 on the machine. */
export interface InfraIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/** A sandbox of the kernel's, through its infra. */
export class KernelSandbox implements Sandbox {
  readonly pid: number;
  readonly startTicks: number;
  readonly #machine: Machine;
  readonly #desired: DesiredPod;
  readonly #hear: (event: SandboxEvent) => void;
  readonly #directory: OwnedFd;
  readonly #client: InfraClient;
  readonly #programs = new Map<bigint, Program>();
  #prepared: PreparedContainer | undefined;
  readonly #known = new Set<bigint>();
  /** News that is still being put together. */
  readonly #unfinished = new Set<Promise<void>>();
  #closed = false;
  #listed: ((whole: boolean) => void) | undefined;

  /**
   * Connects to the pod's infra; undefined when nobody listens there. What is prepared already belongs to the sandbox from
   * now on.
   */
  static connect(
    machine: Machine,
    desired: DesiredPod,
    identity: InfraIdentity,
    hear: (event: SandboxEvent) => void,
    prepared: PreparedContainer | undefined,
  ): KernelSandbox | undefined {
    const directory = openDirectory(podPlaces(machine.root, desired.uid, desired.pod).run);
    const client = InfraClient.connect(directory, (event) => sandbox.#told(event));
    if (!client) {
      prepared?.[Symbol.dispose]();
      return void directory.close();
    }
    const sandbox = new KernelSandbox(machine, desired, identity, hear, { directory, client, prepared });
    return sandbox;
  }

  private constructor(
    machine: Machine,
    desired: DesiredPod,
    identity: InfraIdentity,
    hear: (event: SandboxEvent) => void,
    { directory, client, prepared }: {
      directory: OwnedFd;
      client: InfraClient;
      prepared: PreparedContainer | undefined;
    },
  ) {
    this.#prepared = prepared;
    this.pid = identity.pid;
    this.startTicks = identity.startTicks;
    this.#machine = machine;
    this.#desired = desired;
    this.#hear = hear;
    this.#directory = directory;
    this.#client = client;
  }

  /**
   * Asks for all that happened before this connection; gives whether it has all been told, and what is not known too. It
   * has not when infra ended the connection.
   */
  async catchUp(state: PodState): Promise<boolean> {
    const whole = await new Promise<boolean>((resolve) => {
      this.#listed = resolve;
      try {
        this.#client.list(0n);
      } catch {
        resolve(false);
      }
    });
    this.#listed = undefined;
    await Promise.all(this.#unfinished);
    if (!whole) return false;
    for (const [name, { attempt, state: { at } }] of Object.entries(state.containers)) {
      if (at === "terminated" || attempt < 0) continue;
      if (this.#known.has(processId(this.#desired.pod, name, attempt))) continue;
      this.#hear({ type: "forgotten", name, attempt });
    }
    return true;
  }

  #told(event: InfraEvent | undefined): void {
    if (event === undefined) {
      if (this.#listed) this.#listed(false);
      else if (!this.#closed) this.#hear({ type: "lost" });
      return;
    }
    if (event.type === "end") return this.#listed?.(true);
    const process = processOf(this.#desired.pod, event.id);
    if (!process) return;
    switch (event.type) {
      case "spawned":
        return this.#hear({ type: "running", ...process, startedMs: Date.now() });
      case "failed":
        return this.#hear({ type: "start-failed", ...process, message: this.#failure(process.name, event) });
      case "exited":
        return this.#exited(process, event.waitStatus, event.finishedMs);
      case "state":
        this.#known.add(event.id);
        if (event.state !== "starting") {
          this.#hear({ type: "running", ...process, startedMs: event.startedMs });
        }
        if (event.state === "exited") this.#exited(process, event.waitStatus, event.finishedMs);
    }
  }

  #failure(name: string, event: { id: bigint; step: number; errno: number }): string {
    const step = this.#programs.get(event.id)?.steps[event.step];
    const what = step?.name ?? "clone its first process";
    return `Cannot start container "${name}": cannot ${what}: ${describeErrno(event.errno)}`;
  }

  #exited(process: { name: string; attempt: number }, waitStatus: number, finishedMs: number): void {
    const oomKills = readOomKills(this.#machine, this.#desired, process.name, process.attempt);
    const message = this.#terminationMessage(process.name, process.attempt);
    const tell = (words: string): void =>
      this.#hear({ type: "exited", ...process, end: { waitStatus, finishedMs, oomKills, message: words } });
    const { container } = podContainers(this.#desired.pod).find((each) =>
      each.container.name === process.name
    )!;
    const fallback = message === "" && waitStatus !== 0 &&
      container.terminationMessagePolicy === "FallbackToLogsOnError";
    if (!fallback) return tell(message);
    const news = this.#logTail(process.name, process.attempt).then(tell, () => tell("")).finally(() =>
      this.#unfinished.delete(news)
    );
    this.#unfinished.add(news);
  }

  /** The last lines of the container's log: Kubernetes' FallbackToLogsOnError. */
  async #logTail(name: string, attempt: number): Promise<string> {
    const directory = `${podPlaces(this.#machine.root, this.#desired.uid, this.#desired.pod).logs}/${name}`;
    let tail = new Uint8Array(0);
    for await (const part of readLog({ directory, attempt, tail: FALLBACK_LOG_MAX_LINES })) {
      const all = new Uint8Array(tail.length + part.length);
      all.set(tail);
      all.set(part, tail.length);
      tail = all.slice(-FALLBACK_LOG_MAX_BYTES);
    }
    return new TextDecoder().decode(tail);
  }

  /** What the container wrote to its termination log, kept by infra as a descriptor. */
  #terminationMessage(name: string, attempt: number): string {
    using file = takeDescriptor(this.#directory, processId(this.#desired.pod, name, attempt));
    if (!file) return "";
    const room = new Uint8Array(new ArrayBuffer(TERMINATION_MESSAGE_MAX_BYTES));
    const length = trySyscall("pread64", file.number, room, room.length, 0);
    return length > 0 ? new TextDecoder().decode(room.subarray(0, length)) : "";
  }

  startContainer(name: string, attempt: number): void {
    const id = processId(this.#desired.pod, name, attempt);
    const prepared = this.#prepared?.id === id ? this.#prepared : undefined;
    using container = prepared ?? this.#prepare(name, attempt);
    if (prepared) this.#prepared = undefined;
    container.spawn(this.#client);
    this.#programs.set(id, container.program);
  }

  stopContainer(name: string, attempt: number): void {
    this.#client.kill(processId(this.#desired.pod, name, attempt), FLAGS.SIGTERM);
  }

  killContainer(name: string, attempt: number): void {
    killCgroup(this.#machine.facts.cgroups, this.#cgroup(name, attempt));
    if (!this.#client.closed) this.#client.kill(processId(this.#desired.pod, name, attempt), FLAGS.SIGKILL);
  }

  async forgetContainer(name: string, attempt: number): Promise<void> {
    const id = processId(this.#desired.pod, name, attempt);
    const host = this.#machine.facts.cgroups;
    killCgroup(host, this.#cgroup(name, attempt));
    if (!this.#client.closed) this.#client.ack(id);
    this.#programs.delete(id);
    await removeCgroupTree(host, this.#cgroup(name, attempt));
    removeTree(this.#attemptDirectory(name, attempt));
  }

  /** What an interrupted start of the same attempt left goes first: overlayfs refuses a directory that was in use. */
  #prepare(name: string, attempt: number): PreparedContainer {
    removeTree(this.#attemptDirectory(name, attempt));
    return prepareContainer(this.#machine, this.#desired, this.pid, name, attempt);
  }

  #attemptDirectory(name: string, attempt: number): string {
    const { lib } = podPlaces(this.#machine.root, this.#desired.uid, this.#desired.pod);
    return `${lib}/containers/${name}/${attempt}`;
  }

  #cgroup(name: string, attempt: number): string {
    return containerCgroup(this.#machine.facts, this.#desired.uid, name, attempt);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.close();
    this.#directory.close();
    this.#letPreparedGo();
  }

  #letPreparedGo(): void {
    this.#prepared?.[Symbol.dispose]();
    this.#prepared = undefined;
  }
}

/** The out-of-memory kills that the cgroup of an attempt counts; 0 where it cannot be read any more. */
export function readOomKills(machine: Machine, desired: DesiredPod, name: string, attempt: number): number {
  return readCounters(machine.facts.cgroups, containerCgroup(machine.facts, desired.uid, name, attempt))
    .oomKills;
}

/** Detaches what a daemon that died while it made an overlay has left attached in a pod's run directory. */
export function detachLayers(run: string): void {
  const path = cString(layerMountPoint(run));
  while (trySyscall("umount2", path, flag("MNT_DETACH", "UMOUNT_NOFOLLOW")) === 0);
}

/** Removes a directory and all below it, following nothing; one that is not there is as good. */
export function removeTree(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
