import {
  acceptPod,
  type DeclaredPod,
  type DeclaredPods,
  type Machine,
  removeLeftover,
} from "../../engine/mod.ts";
import type { PodRecord } from "../../state/mod.ts";
import type { Io, UpRequest } from "../io.ts";
import { removePods } from "./down.ts";
import { upAttached } from "./up_attached.ts";
import { upDetached } from "./up_detached.ts";

/** Starts the pods that manifests declare. */
export async function up(
  machine: Machine,
  declared: DeclaredPods,
  request: UpRequest,
  io: Io,
): Promise<number> {
  const { renderDiagnostic } = await import("../../../schema/mod.ts");
  for (const warning of declared.diagnostics) {
    await io.stderr(renderDiagnostic(warning, { color: io.errorColor }));
  }
  const records: PodRecord[] = [];
  for (const pod of declared.pods) records.push(await accept(machine, pod, io));
  if (request.detach) return await upDetached(machine, records, request.timeoutMs, io);
  return await upAttached(machine, records, io);
}

/** Records a pod; one of the same name that was declared differently is removed first. */
async function accept(machine: Machine, declared: DeclaredPod, io: Io): Promise<PodRecord> {
  for (;;) {
    const acceptance = acceptPod(machine, declared, Date.now());
    switch (acceptance.as) {
      case "created":
      case "unchanged":
        return acceptance.record;
      case "replaces":
        await removePods(machine, [acceptance.record], undefined, () => {}, io);
        break;
      case "clears":
        await removeLeftover(machine, acceptance.leftover);
    }
  }
}
