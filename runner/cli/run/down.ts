import { type Leftover, listLeftovers, type Machine, removeLeftover, Supervisor } from "../../engine/mod.ts";
import { messageOf } from "../../base/mod.ts";
import { type PodRecord, requestDeletion } from "../../state/mod.ts";
import type { Io } from "../io.ts";

/** Which pods are to go, by name; "all" for every one there is. */
export type Named = "all" | readonly { readonly namespace: string; readonly name: string }[];

/** Stops pods gracefully and removes all that is theirs; waits until it is so. */
export async function down(
  machine: Machine,
  records: readonly PodRecord[],
  named: Named,
  graceSeconds: number | undefined,
  io: Io,
): Promise<number> {
  const isMeant = (pod: { namespace?: string; name?: string }): boolean =>
    named === "all" || named.some((each) => each.namespace === pod.namespace && each.name === pod.name);
  const wanted = records.filter(({ desired }) => isMeant(desired.pod.metadata));
  const strays = listLeftovers(machine).filter(isMeant);
  const said: Promise<void>[] = [];
  const tell = (name: string): void => void said.push(io.stdout(`pod "${name}" removed\n`));
  await removePods(machine, wanted, graceSeconds, tell, io);
  for (const stray of strays) await removeStray(machine, stray, io);
  await Promise.all(said);
  if (wanted.length + strays.length === 0) await io.stderr("No pods found\n");
  return 0;
}

async function removeStray(machine: Machine, stray: Leftover, io: Io): Promise<void> {
  await removeLeftover(machine, stray);
  await io.stdout(`pod "${stray.name ?? stray.uid}" removed, whose record was damaged\n`);
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
    fault: (desired, error) => io.note(`pod "${desired.pod.metadata.name}": ${messageOf(error)}\n`),
  });
  for (const { desired } of records) {
    const grace = graceSeconds ?? desired.pod.spec.terminationGracePeriodSeconds ?? 30;
    requestDeletion(machine.root, desired.uid, { requestedMs: Date.now(), graceSeconds: grace });
    supervisor.follow(desired);
  }
  await done.promise;
  await supervisor.close();
}
