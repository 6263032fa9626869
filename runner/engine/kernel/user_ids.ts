import { SeedpodError, USER_NAMESPACE_IDS } from "../../base/mod.ts";
import type { IdRange } from "../../infra/mod.ts";
import type { DesiredPod } from "../../state/mod.ts";

/** The ids for pods where /etc/subuid grants `seedpod` none: far above those of people and of other engines. */
const DEFAULT_RANGE = { start: 0x7000_0000, count: 0x1000_0000 };

/** The ids that a file like /etc/subuid grants to `seedpod`, see `subuid(5)`. */
export function parseSubordinateIds(text: string): { start: number; count: number } {
  for (const line of text.split("\n")) {
    const match = /^seedpod:(\d{1,10}):(\d{1,10})$/.exec(line.trim());
    if (match) return { start: Number(match[1]), count: Number(match[2]) };
  }
  return DEFAULT_RANGE;
}

/** The first id of a range that no other pod has; `taken` are the first ids of the others. */
export function chooseFirstHostId(
  granted: { start: number; count: number },
  uid: string,
  taken: ReadonlySet<number>,
): number {
  const slots = Math.floor(granted.count / USER_NAMESPACE_IDS);
  // start where the uid says: instances beside each other then rarely meet
  const first = Number.parseInt(uid.replaceAll("-", "").slice(0, 8), 16) % Math.max(slots, 1);
  for (let index = 0; index < slots; index++) {
    const id = granted.start + ((first + index) % slots) * USER_NAMESPACE_IDS;
    if (!taken.has(id)) return id;
  }
  throw new SeedpodError(`Cannot give the pod users of its own: all ${slots} ranges of ids are taken`, {
    fault: "user",
    hint: "Grant seedpod more ids in /etc/subuid, such as seedpod:1879048192:268435456",
  });
}

/** The ids of a pod that was accepted with `hostUsers: false`. */
export function idRangeOf(desired: DesiredPod): IdRange {
  if (desired.firstHostId === undefined) {
    throw new SeedpodError(`Cannot start pod "${desired.pod.metadata.name}": it was given no ids of its own`);
  }
  return { firstHostId: desired.firstHostId, count: USER_NAMESPACE_IDS };
}
