import { LEFTOVER_POLL_MS, POD_KILL_TIMEOUT_MS, SeedpodError } from "../../base/mod.ts";
import { cgroupDirectory, killCgroup, removeCgroupTree, removeEmptyCgroup } from "../../linux/mod.ts";
import { podCgroup } from "../../plan/mod.ts";
import {
  acceptLockPath,
  listPodUids,
  podRunDirectory,
  readRecord,
  removeRecord,
  requestDeletion,
  SUPERVISOR_LOCK,
  tryLock,
  withLock,
} from "../../state/mod.ts";
import { detachLayers, removeTree } from "./sandbox.ts";
import type { Machine } from "./machine.ts";

/** A pod of which something is there, but no record that can be read: it was damaged, or a removal was interrupted. */
export interface Leftover {
  readonly uid: string;
  /** Whose it was, where the name of its log directory still says so. */
  readonly namespace?: string;
  readonly name?: string;
}

const UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Every leftover of the root: of pod directories, cgroups and volumes, those that no record stands for. */
export function listLeftovers(machine: Machine): Leftover[] {
  return withLock(acceptLockPath(machine.root), () => findLeftovers(machine));
}

/** The same for whoever holds the lock under which pods are accepted. */
export function findLeftovers({ root, facts }: Machine): Leftover[] {
  const uids = new Set([...listPodUids(root), ...namesIn(`${root.lib}/pods`)]);
  for (const hierarchy of facts.cgroups.hierarchies) {
    for (const name of namesIn(cgroupDirectory(hierarchy, facts.cgroupParent))) {
      if (name.startsWith("pod")) uids.add(name.slice("pod".length));
    }
  }
  const strays = [...uids].filter((uid) => UID.test(uid) && !readRecord(root, uid));
  if (strays.length === 0) return [];
  const logs = namesIn(root.logs).map((entry) => entry.split("_"));
  return strays.sort().map((uid) => {
    const [namespace, name] = logs.find((parts) => parts[2] === uid) ?? [];
    return { uid, ...(namespace && name ? { namespace, name } : {}) };
  });
}

function namesIn(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].filter((entry) => entry.isDirectory).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Ends everything of a leftover that runs and removes all that is there of it. Whoever still supervises it is asked to. */
export async function removeLeftover(machine: Machine, leftover: Leftover): Promise<void> {
  const { uid } = leftover;
  const directory = podRunDirectory(machine.root, uid);
  requestDeletion(machine.root, uid, { requestedMs: Date.now(), graceSeconds: 0 });
  const deadlineMs = performance.now() + POD_KILL_TIMEOUT_MS;
  for (;;) {
    using lock = tryLock(`${directory}/${SUPERVISOR_LOCK}`);
    if (lock || !isThere(directory)) return await remove(machine, leftover);
    if (performance.now() > deadlineMs) {
      throw new SeedpodError(`Cannot remove what is left of pod ${uid}: its supervisor does not let go`);
    }
    await new Promise((resolve) => setTimeout(resolve, LEFTOVER_POLL_MS));
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

async function remove(machine: Machine, { uid, namespace, name }: Leftover): Promise<void> {
  const { root, facts } = machine;
  const cgroup = podCgroup(facts, uid);
  killCgroup(facts.cgroups, cgroup);
  await removeCgroupTree(facts.cgroups, cgroup);
  removeTree(`${root.lib}/pods/${uid}`);
  if (namespace && name) removeTree(`${root.logs}/${namespace}_${name}_${uid}`);
  detachLayers(podRunDirectory(root, uid));
  withLock(acceptLockPath(root), () => {
    removeRecord(root, uid);
    if (listPodUids(root).length === 0) removeEmptyCgroup(facts.cgroups, facts.cgroupParent);
  });
}
