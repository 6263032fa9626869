import {
  EPHEMERAL_STORAGE_MAX_FILES,
  FLAGS,
  INFRA_BUSY_PAUSE_MS,
  INFRA_REPLY_TIMEOUT_MS,
  POD_KILL_TIMEOUT_MS,
  SeedpodError,
} from "../../base/mod.ts";
import { INFRA_SOCKET } from "../../infra/mod.ts";
import { killCgroup, readProcStat, removeCgroupTree, removeEmptyCgroup } from "../../linux/mod.ts";
import { type Attempt, podCgroup, podContainers, type PodState, storageExcess } from "../../plan/mod.ts";
import {
  acceptLockPath,
  type DeletionRequest,
  type DesiredPod,
  listPodUids,
  podPlaces,
  readDeletion,
  removeRecord,
  withLock,
  writeRecord,
} from "../../state/mod.ts";
import { openPidfd, signalPidfd } from "../../sys/mod.ts";
import { emptyDirUsage } from "../../volume/mod.ts";
import { detachLayers, type InfraIdentity, KernelSandbox, readOomKills, removeTree } from "./sandbox.ts";
import type { Machine } from "./machine.ts";
import { takeBackPromises } from "./cgroups.ts";
import type { PodPorts, Sandbox, SandboxEvent } from "../ports.ts";
import { createSandbox } from "./start.ts";

/** The longest time that a timer of the event loop can wait, in milliseconds; a later wake-up is asked for in parts. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The world as it is: the kernel, the run directory, the clock. */
export class KernelPorts implements PodPorts {
  readonly #machine: Machine;

  /** Works on one root. */
  constructor(machine: Machine) {
    this.#machine = machine;
  }

  nowMs(): number {
    return Date.now();
  }

  async createSandbox(
    desired: DesiredPod,
    first: Attempt | undefined,
    hear: (event: SandboxEvent) => void,
  ): Promise<Sandbox> {
    if (this.#wasBegun(desired)) await this.#clear(desired);
    const made = createSandbox(this.#machine, desired, first, this.nowMs());
    const sandbox = KernelSandbox.connect(this.#machine, desired, made, hear, made.prepared);
    if (!sandbox) throw unreachable(desired);
    return sandbox;
  }

  /** Whether a sandbox was begun and not cleared: its directory is the first thing made and the last taken away. */
  #wasBegun(desired: DesiredPod): boolean {
    const { run } = podPlaces(this.#machine.root, desired.uid, desired.pod);
    try {
      Deno.lstatSync(`${run}/sandbox`);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  async adoptSandbox(
    desired: DesiredPod,
    state: PodState,
    hear: (event: SandboxEvent) => void,
  ): Promise<Sandbox | undefined> {
    if (state.sandbox.at !== "ready") return undefined;
    const deadlineMs = performance.now() + INFRA_REPLY_TIMEOUT_MS;
    // infra refuses whoever comes while it has as many clients as it takes; a dying one has let go of its socket
    while (isAlive(state.sandbox)) {
      const sandbox = KernelSandbox.connect(this.#machine, desired, state.sandbox, hear, undefined);
      if (await sandbox?.catchUp(state)) return sandbox;
      sandbox?.close();
      if (performance.now() > deadlineMs) throw unreachable(desired);
      await new Promise((resolve) => setTimeout(resolve, INFRA_BUSY_PAUSE_MS));
    }
    return undefined;
  }

  async destroySandbox(desired: DesiredPod, state: PodState): Promise<void> {
    await this.#clear(desired);
    if (state.sandbox.at === "ready") await ended(state.sandbox);
  }

  /** Kills whatever of the pod runs, and removes its cgroup, its socket and the upper layers. */
  async #clear(desired: DesiredPod): Promise<void> {
    const { facts, root } = this.#machine;
    const places = podPlaces(root, desired.uid, desired.pod);
    killCgroup(facts.cgroups, podCgroup(facts, desired.uid));
    await removeCgroupTree(facts.cgroups, podCgroup(facts, desired.uid));
    removeTree(`${places.lib}/containers`);
    removeTree(`${places.run}/${INFRA_SOCKET}`);
    detachLayers(places.run);
    removeTree(`${places.run}/sandbox`);
  }

  removePod(desired: DesiredPod): Promise<void> {
    const { root, facts } = this.#machine;
    const places = podPlaces(root, desired.uid, desired.pod);
    removeTree(places.lib);
    removeTree(places.logs);
    withLock(acceptLockPath(root), () => {
      takeBackPromises(this.#machine, desired.uid, desired.pod);
      removeRecord(root, desired.uid);
      if (listPodUids(root).length === 0) removeEmptyCgroup(facts.cgroups, facts.cgroupParent);
    });
    return Promise.resolve();
  }

  save(desired: DesiredPod, state: PodState): void {
    writeRecord(this.#machine.root, { version: 1, desired, state });
  }

  deletionRequest(desired: DesiredPod): DeletionRequest | undefined {
    return readDeletion(this.#machine.root, desired.uid);
  }

  oomKills(desired: DesiredPod, name: string, attempt: number): number {
    return readOomKills(this.#machine, desired, name, attempt);
  }

  async storageExceeded(desired: DesiredPod, state: PodState): Promise<string | undefined> {
    const places = podPlaces(this.#machine.root, desired.uid, desired.pod);
    const containers = new Map<string, number>();
    for (const { container: { name } } of podContainers(desired.pod)) {
      const attempt = state.containers[name]?.attempt ?? -1;
      const upper = `${places.lib}/containers/${name}/${attempt}/upper`;
      containers.set(name, await diskUse(upper) + await diskUse(`${places.logs}/${name}`));
    }
    const emptyDirs = new Map<string, number>();
    for (const { volume, directory } of emptyDirUsage(desired.pod, `${places.lib}/volumes`)) {
      emptyDirs.set(volume, await diskUse(directory));
    }
    return storageExcess(desired.pod, { containers, emptyDirs });
  }

  wakeAt(atMs: number, wake: () => void): () => void {
    let timer: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      const leftMs = atMs - this.nowMs();
      if (leftMs <= 0) wake();
      else timer = setTimeout(wait, Math.min(leftMs, MAX_TIMER_MS));
    };
    timer = setTimeout(wait, Math.max(0, Math.min(atMs - this.nowMs(), MAX_TIMER_MS)));
    return () => clearTimeout(timer);
  }
}

function unreachable({ pod }: DesiredPod): SeedpodError {
  return new SeedpodError(
    `Cannot reach the sandbox of pod "${pod.metadata.name}": its infra does not answer`,
  );
}

/** Whether the process with this number is still the one that is meant. */
export function isAlive(identity: InfraIdentity): boolean {
  const stat = readProcStat(identity.pid);
  return stat !== null && stat.startTicks === identity.startTicks && stat.state !== "Z";
}

/** Waits until the pod's PID 1 is gone; outside its cgroup already dead, it is killed by its pidfd where it is not. */
async function ended(identity: InfraIdentity): Promise<void> {
  const deadlineMs = performance.now() + POD_KILL_TIMEOUT_MS;
  while (isAlive(identity)) {
    using pidfd = openPidfd(identity.pid);
    if (pidfd && isAlive(identity)) signalPidfd(pidfd, FLAGS.SIGKILL);
    if (performance.now() > deadlineMs) {
      throw new SeedpodError(`Cannot end process ${identity.pid}: it does not die`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The bytes that a directory takes on disk, following nothing; what vanishes meanwhile does not count. */
async function diskUse(directory: string): Promise<number> {
  let bytes = 0;
  let files = 0;
  const walk = async (path: string): Promise<void> => {
    try {
      for await (const entry of Deno.readDir(path)) {
        if (++files > EPHEMERAL_STORAGE_MAX_FILES) return;
        const below = `${path}/${entry.name}`;
        const info = await Deno.lstat(below);
        bytes += info.blocks === null ? info.size : info.blocks * 512;
        if (entry.isDirectory) await walk(below);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  await walk(directory);
  return bytes;
}
