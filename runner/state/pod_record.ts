import type { ConfigMap, Secret } from "../../schema/kubernetes/mod.ts";
import type { CompletePod, PodState } from "../plan/mod.ts";
import { readIfThere, writeAtomically } from "./atomic_file.ts";
import { deletionsDirectory, podRunDirectory, podsDirectory, type Root } from "./paths.ts";

/** A pod as it was declared, with what it refers to. */
export interface DesiredPod {
  readonly uid: string;
  readonly pod: CompletePod;
  readonly configMaps: readonly ConfigMap[];
  readonly secrets: readonly Secret[];
  /** Tells whether two declarations are the same. */
  readonly hash: string;
  /** The first host id of its user namespace, where it has one. */
  readonly firstHostId?: number;
}

/** The one small file of a pod: what was declared, and what the kernel cannot say. */
export interface PodRecord {
  readonly version: 1;
  readonly desired: DesiredPod;
  readonly state: PodState;
}

/** The request to stop and remove a pod, left by whoever wants it for whoever supervises it. */
export interface DeletionRequest {
  readonly requestedMs: number;
  readonly graceSeconds: number;
}

const RECORD = "record.json";
/** The lock of whoever supervises the pod. */
export const SUPERVISOR_LOCK = "supervisor.lock";

/** Writes a pod's record. */
export function writeRecord(root: Root, record: PodRecord): void {
  writeAtomically(`${podRunDirectory(root, record.desired.uid)}/${RECORD}`, JSON.stringify(record));
}

/** Reads a pod's record; undefined when there is none, or it is damaged. */
export function readRecord(root: Root, uid: string): PodRecord | undefined {
  const text = readIfThere(`${podRunDirectory(root, uid)}/${RECORD}`);
  if (text === undefined) return undefined;
  const record = parseJson(text);
  return isRecord(record) && record.desired.uid === uid ? record : undefined;
}

/** JSON of our own writing; undefined for what a torn disk left of it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether the parts are there that everybody reads: a record is written whole, so damage shows in its outline. */
function isRecord(value: unknown): value is PodRecord {
  const record = value as Partial<PodRecord> | null | undefined;
  const isThere = (part: unknown): boolean => typeof part === "object" && part !== null;
  return isThere(record) && record?.version === 1 && isThere(record.desired?.pod?.metadata) &&
    isThere(record.desired?.pod?.spec) && isThere(record.state?.sandbox) && isThere(record.state?.containers);
}

/**
 * Removes a pod's run directory, and the request to do so. It leaves the list of pods at one stroke, so that nobody who looks meanwhile takes what
 * is half removed for a pod without a supervisor; what a crash left of an earlier removal goes along.
 */
export function removeRecord(root: Root, uid: string): void {
  const removed = `${root.run}/removed`;
  Deno.mkdirSync(removed, { recursive: true, mode: 0o700 });
  try {
    Deno.renameSync(podRunDirectory(root, uid), `${removed}/${uid}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  Deno.removeSync(removed, { recursive: true });
  removeDeletion(root, uid);
}

/** The uids of all pods of a root. */
export function listPodUids(root: Root): string[] {
  try {
    return [...Deno.readDirSync(podsDirectory(root))].filter((entry) => entry.isDirectory).map((entry) =>
      entry.name
    ).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Every record of a root. */
export function readRecords(root: Root): PodRecord[] {
  return listPodUids(root).map((uid) => readRecord(root, uid)).filter((record) => record !== undefined);
}

/** Leaves the request to remove a pod; of several the shortest grace counts. For a pod that is not there it leaves none. */
export function requestDeletion(root: Root, uid: string, request: DeletionRequest): void {
  const before = readDeletion(root, uid);
  const requestedMs = before?.requestedMs ?? request.requestedMs;
  const graceSeconds = Math.min(before?.graceSeconds ?? Infinity, request.graceSeconds);
  if (!listPodUids(root).includes(uid)) return;
  writeAtomically(deletionPath(root, uid), JSON.stringify({ requestedMs, graceSeconds }));
  // the pod went away meanwhile
  if (!listPodUids(root).includes(uid)) removeDeletion(root, uid);
}

function removeDeletion(root: Root, uid: string): void {
  try {
    Deno.removeSync(deletionPath(root, uid));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function deletionPath(root: Root, uid: string): string {
  return `${deletionsDirectory(root)}/${uid}.json`;
}

/** The request to remove a pod; undefined when there is none, or it is damaged. */
export function readDeletion(root: Root, uid: string): DeletionRequest | undefined {
  const text = readIfThere(deletionPath(root, uid));
  const request = text === undefined ? undefined : parseJson(text) as Partial<DeletionRequest> | null;
  const { requestedMs, graceSeconds } = request ?? {};
  return typeof requestedMs === "number" && typeof graceSeconds === "number"
    ? { requestedMs, graceSeconds }
    : undefined;
}
