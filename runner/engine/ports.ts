/** The seam between deciding and doing: everything a pod's turn does to the world, and all that it hears of it. */
import type { Attempt, AttemptEnd, PodState } from "../plan/mod.ts";
import type { DeletionRequest, DesiredPod } from "../state/mod.ts";

/** What a sandbox tells of its containers. */
export type SandboxEvent =
  | { readonly type: "running"; readonly name: string; readonly attempt: number; readonly startedMs: number }
  | {
    readonly type: "start-failed";
    readonly name: string;
    readonly attempt: number;
    readonly message: string;
  }
  | { readonly type: "exited"; readonly name: string; readonly attempt: number; readonly end: AttemptEnd }
  /** Told at adoption: the sandbox has no such attempt, the request for it or the news of its failure was lost. */
  | { readonly type: "forgotten"; readonly name: string; readonly attempt: number }
  /** The pod's PID 1 has gone away. */
  | { readonly type: "lost" };

/** A live sandbox, through which its containers are started and stopped. */
export interface Sandbox {
  /** Names the pod's PID 1 on the machine. */
  readonly pid: number;
  readonly startTicks: number;
  /** Prepares an attempt and asks for it; what becomes of it is told later. Throws when the preparation fails. */
  startContainer(name: string, attempt: number): void;
  /** Sends the container its stop signal. */
  stopContainer(name: string, attempt: number): void;
  /** Kills everything in the container. */
  killContainer(name: string, attempt: number): void;
  /** Takes away what an ended attempt leaves behind: processes, cgroup, upper layer; its exit may be forgotten. */
  forgetContainer(name: string, attempt: number): Promise<void>;
  /** Lets go of the sandbox without touching it. */
  close(): void;
}

/** What a pod's turn does to the world. The simulator has its own. */
export interface PodPorts {
  nowMs(): number;
  /**
   * Makes the pod's sandbox, after taking away what an interrupted start left. The attempt that will be asked for first
   * is prepared while the kernel is busy with it.
   */
  createSandbox(
    desired: DesiredPod,
    first: Attempt | undefined,
    hear: (event: SandboxEvent) => void,
  ): Promise<Sandbox>;
  /**
   * Finds the sandbox that the state tells of again. What happened meanwhile is told through `hear`; undefined when it is
   * not there any more.
   */
  adoptSandbox(
    desired: DesiredPod,
    state: PodState,
    hear: (event: SandboxEvent) => void,
  ): Promise<Sandbox | undefined>;
  /** Ends everything of the pod that runs and takes its cgroups and mounts away. Idempotent. */
  destroySandbox(desired: DesiredPod, state: PodState): Promise<void>;
  /** Takes away everything else: volumes, logs, records. Idempotent. */
  removePod(desired: DesiredPod): Promise<void>;
  /** Keeps the state for the next daemon and for readers. */
  save(desired: DesiredPod, state: PodState): void;
  /** The request to remove the pod, if there is one. */
  deletionRequest(desired: DesiredPod): DeletionRequest | undefined;
  /** The out-of-memory kills of a running container's cgroup. */
  oomKills(desired: DesiredPod, name: string, attempt: number): number;
  /** Why the pod must be ended for what it wrote to disk; undefined when it is within its limits. */
  storageExceeded(desired: DesiredPod, state: PodState): Promise<string | undefined>;
  /** Calls back at a time of this port's clock; gives the way to call it off. */
  wakeAt(atMs: number, wake: () => void): () => void;
}
