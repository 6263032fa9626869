import type { CompletePod, PodPlaces } from "../plan/mod.ts";

/** Where everything of one instance is. All but the socket names derive from SEEDPOD_ROOT. */
export interface Root {
  /** In memory: sockets, records, locks. */
  readonly run: string;
  /** On disk: images, what pods write. */
  readonly lib: string;
  /** CRI logs. */
  readonly logs: string;
  /** The cgroup that holds the pods, relative to the hierarchies. */
  readonly cgroupParent: string;
}

/** FNV-1a, 32 bits: a short stable name for a path. */
function shortHash(value: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(value)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

/** The places of an instance: the system's directories, or all below the directory given as SEEDPOD_ROOT (absolute). */
export function rootPlaces(seedpodRoot: string | undefined): Root {
  if (!seedpodRoot) {
    return { run: "/run/seedpod", lib: "/var/lib/seedpod", logs: "/var/log/pods", cgroupParent: "seedpod" };
  }
  const base = seedpodRoot.replace(/\/+$/, "");
  return {
    run: `${base}/run`,
    lib: `${base}/lib`,
    logs: `${base}/log`,
    cgroupParent: `seedpod-${shortHash(base)}`,
  };
}

/** The directory that has one directory a pod. */
export function podsDirectory(root: Root): string {
  return `${root.run}/pods`;
}

/** The directory of the requests to remove pods: one file each, so that one watch hears of all. */
export function deletionsDirectory(root: Root): string {
  return `${root.run}/deletions`;
}

/** The directory of a pod's records and sockets. */
export function podRunDirectory(root: Root, uid: string): string {
  return `${podsDirectory(root)}/${uid}`;
}

/** Where a pod's things are. */
export function podPlaces(root: Root, uid: string, pod: CompletePod): PodPlaces {
  const { namespace, name } = pod.metadata;
  return {
    run: podRunDirectory(root, uid),
    lib: `${root.lib}/pods/${uid}`,
    logs: `${root.logs}/${namespace}_${name}_${uid}`,
    hidden: [root.run, root.lib, root.logs],
  };
}

/** Makes the directories that every pod of the root needs. Idempotent. */
export function ensureRoot(root: Root): void {
  for (const path of [root.run, root.lib]) Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  for (const path of [podsDirectory(root), deletionsDirectory(root), `${root.lib}/pods`]) {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  Deno.mkdirSync(root.logs, { recursive: true, mode: 0o755 });
}

/** The lock under which pods are accepted, and under which the last one's cgroup goes: short, synchronous work alone. */
export function acceptLockPath(root: Root): string {
  return `${root.run}/accept.lock`;
}
