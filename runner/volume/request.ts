import type { ConfigMap, Pod, Secret, Volume } from "../../schema/kubernetes/mod.ts";
import { type Arch, type ErrnoName, SeedpodError } from "../base/mod.ts";
import type { MountInfo } from "../linux/mod.ts";
import {
  addIdmap,
  addMountAttributes,
  type KernelVersion,
  type ManifestPath,
  type ProgramBuilder,
  resultOf,
  type Step,
  type StepOptions,
  type UserNamespace,
} from "../plan/mod.ts";
import { type Propagation } from "../plan/mod.ts";

/** What the volumes of a pod are made from. */
export interface VolumesRequest {
  /** Defaulted. */
  readonly pod: Pod;
  /** The ConfigMaps of the pod's namespace, by name. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  /** The Secrets of the pod's namespace, by name. */
  readonly secrets: ReadonlyMap<string, Secret>;
  /** The pod's own directory on disk for volumes, absolute; made when it is missing, its parent too. */
  readonly volumesDirectory: string;
  /** The directory that the sandbox sees as `/v`, absolute, there already: the mount points are made in it. */
  readonly mountPoints: string;
  /** Null when the pod's users are the host's. */
  readonly userNamespace: UserNamespace | null;
  /** The memory that pods may use on this machine. */
  readonly memoryBytes: number;
  /** The sizes of huge pages that this machine has, in bytes. */
  readonly hugePageSizes: readonly number[];
  /** Unix time in milliseconds; it names the directories of configMaps and secrets. */
  readonly nowMs: number;
  /** The machine's mounts, as /proc/self/mountinfo says; asked for a Bidirectional hostPath alone. */
  readonly mounts: () => readonly MountInfo[];
  readonly arch: Arch;
  /** Below 6.3 the kernel cannot keep a Secret's files out of the swap. */
  readonly kernel: KernelVersion;
}

/** One volume while its steps are added. */
export interface VolumeContext {
  readonly builder: ProgramBuilder;
  readonly request: VolumesRequest;
  readonly volume: Volume;
  /** `mount volume "data"`, to be completed by what a step does. */
  readonly name: string;
  readonly from: ManifestPath;
  readonly propagation: Propagation;
  /** `spec.securityContext.fsGroup`. */
  readonly fsGroup: number | undefined;
}

/** The options of a step of this volume. */
export function optionsOf(context: VolumeContext, hint?: string, tolerate: ErrnoName[] = []): StepOptions {
  return {
    from: context.from,
    ...(hint ? { hint } : {}),
    ...(tolerate.length > 0 ? { tolerate } : {}),
  };
}

/** Throws the user's error about this volume. */
export function refuseVolume(context: Pick<VolumeContext, "name">, state: string, hint?: string): never {
  throw new SeedpodError(`Cannot ${context.name}: ${state}`, { fault: "user", ...(hint ? { hint } : {}) });
}

/**
 * Adds the mapping of the owners in a part of the machine's file systems, for a pod with users of its own. File systems
 * that are made for the pod need none: in them everything belongs to the pod's ids to begin with, see {@linkcode podOwner}.
 */
export function addOwnerMap(context: VolumeContext, tree: Step): void {
  const { builder, request: { userNamespace }, name } = context;
  if (userNamespace === null) return;
  const hint = "Use a file system that supports idmapped mounts, or hostUsers: true";
  addIdmap(builder, `${name}: map its owners for hostUsers: false`, resultOf(tree), userNamespace.fd, {
    ...optionsOf(context, hint),
  });
}

/**
 * The host's ids of the pod's root and of its fsGroup, or root's group without one: who owns what is made for the pod. An
 * idmapped mount would say the same, but tmpfs has those from Linux 6.3 on, and hugetlbfs from 6.9.
 */
export function podOwner({ request, fsGroup }: VolumeContext): { uid: number; gid: number } {
  const first = request.userNamespace?.firstHostId ?? 0;
  return { uid: first, gid: first + (fsGroup ?? 0) };
}

/** Adds the propagation of a file system that was made for this pod, where it is not the private one it is born with. */
export function addPropagation(context: VolumeContext, tree: Step): void {
  const { builder, propagation, name } = context;
  if (propagation === "MS_PRIVATE") return;
  addMountAttributes(
    builder,
    `${name}: set its propagation`,
    resultOf(tree),
    { set: [], propagation },
    optionsOf(context),
  );
}
