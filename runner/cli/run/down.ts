import { type Machine, Supervisor } from "../../engine/mod.ts";
import { messageOf } from "../../base/mod.ts";
import { type PodRecord, requestDeletion } from "../../state/mod.ts";
import type { Io } from "../io.ts";

/** Stops pods gracefully and removes all that is theirs; waits until it is so. */
export async function down(
  machine: Machine,
  records: readonly PodRecord[],
  graceSeconds: number | undefined,
  io: Io,
): Promise<number> {
  await removePods(machine, records, graceSeconds, (name) => void io.stdout(`pod "${name}" removed\n`), io);
  return 0;
}

/** The same without a word: `told` hears of each pod that is gone. */
export async function removePods(
  machine: Machine,
  records: readonly PodRecord[],
  graceSeconds: number | undefined,
  told: (name: string) => void,
  io: Io,
): Promise<void> {
  const waiting = new Set(records.map(({ desired }) => desired.uid));
  const done = Promise.withResolvers<void>();
  if (waiting.size === 0) return;
  const supervisor = new Supervisor(machine, {
    changed(desired, state) {
      if (state || !waiting.delete(desired.uid)) return;
      told(desired.pod.metadata.name);
      if (waiting.size === 0) done.resolve();
    },
    fault: (desired, error) => void io.stderr(`pod "${desired.pod.metadata.name}": ${messageOf(error)}\n`),
  });
  for (const { desired } of records) {
    const grace = graceSeconds ?? desired.pod.spec.terminationGracePeriodSeconds ?? 30;
    requestDeletion(machine.root, desired.uid, { requestedMs: Date.now(), graceSeconds: grace });
    supervisor.follow(desired);
  }
  await done.promise;
  await supervisor.close();
}
