import { newPodState } from "../plan/mod.ts";
import {
  acceptLockPath,
  type DesiredPod,
  type PodRecord,
  podRunDirectory,
  readDeletion,
  readIfThere,
  readRecords,
  type Root,
  withLock,
  writeRecord,
} from "../state/mod.ts";
import type { DeclaredPod } from "./manifests.ts";
import {
  chooseFirstHostId,
  findLeftovers,
  type Leftover,
  type Machine,
  parseSubordinateIds,
  writeParentCgroup,
} from "./kernel/mod.ts";

/** What became of a declared pod. */
export type Acceptance =
  /** It is new, and now recorded. */
  | { readonly as: "created"; readonly record: PodRecord }
  /** It is there already, as declared. */
  | { readonly as: "unchanged"; readonly record: PodRecord }
  /** Another pod of this name is there, differently declared or on its way out: it must go first. */
  | { readonly as: "replaces"; readonly record: PodRecord }
  /** What may be a pod of this name is there without a record that can be read: it must go first. */
  | { readonly as: "clears"; readonly leftover: Leftover };

/** The record of the pod with this name. */
export function findRecord(
  records: readonly PodRecord[],
  namespace: string,
  name: string,
): PodRecord | undefined {
  return records.find(({ desired: { pod: { metadata } } }) =>
    metadata.namespace === namespace && metadata.name === name
  );
}

/** Records a declared pod unless one of its name is there. One name is never recorded twice, whoever else tries. */
export function acceptPod(machine: Machine, declared: DeclaredPod, nowMs: number): Acceptance {
  const { root } = machine;
  return withLock(acceptLockPath(root), () => {
    const records = readRecords(root);
    const { namespace, name } = declared.pod.metadata;
    const record = findRecord(records, namespace, name);
    if (record) {
      const leaving = record.state.deletion !== undefined ||
        readDeletion(root, record.desired.uid) !== undefined;
      return { as: !leaving && record.desired.hash === declared.hash ? "unchanged" : "replaces", record };
    }
    const leftover = findLeftovers(machine).find((each) =>
      each.namespace === namespace && each.name === name
    );
    if (leftover) return { as: "clears", leftover };
    // the last pod that went took the cgroup of the root with it
    machine.ensureCgroups();
    writeParentCgroup(machine, [...records.map(({ desired }) => desired.pod), declared.pod]);
    return { as: "created", record: createRecord(root, declared, records, nowMs) };
  });
}

function createRecord(
  root: Root,
  declared: DeclaredPod,
  records: readonly PodRecord[],
  nowMs: number,
): PodRecord {
  const { pod, configMaps, secrets, hash } = declared;
  const uid = crypto.randomUUID();
  const taken = new Set(records.flatMap(({ desired }) => desired.firstHostId ?? []));
  const granted = parseSubordinateIds(readIfThere("/etc/subuid") ?? "");
  const ids = pod.spec.hostUsers === false ? { firstHostId: chooseFirstHostId(granted, uid, taken) } : {};
  const desired: DesiredPod = { uid, pod, configMaps, secrets, hash, ...ids };
  const record: PodRecord = { version: 1, desired, state: newPodState(uid, nowMs) };
  Deno.mkdirSync(podRunDirectory(root, uid), { recursive: true, mode: 0o700 });
  writeRecord(root, record);
  return record;
}
