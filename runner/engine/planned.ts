import { podContainers, type Program } from "../plan/mod.ts";
import type { DesiredPod } from "../state/mod.ts";
import type { Machine } from "./machine.ts";
import type { DeclaredPod } from "./manifests.ts";
import { planContainer, planSandbox, startContext } from "./start.ts";

/** A part of a pod's start: who makes the calls, and which. */
export interface PlannedPart {
  readonly title: string;
  readonly program: Program;
}

/** The system calls that the start of a declared pod would be, none of which is made. */
export function plannedPrograms(machine: Machine, declared: DeclaredPod, nowMs: number): PlannedPart[] {
  const { pod, configMaps, secrets, hash } = declared;
  const desired: DesiredPod = { uid: PLANNED_UID, pod, configMaps, secrets, hash };
  const context = startContext(machine, desired, undefined);
  const sandbox = planSandbox(machine, desired, context, nowMs);
  const parts: PlannedPart[] = [
    { title: "sandbox, in the daemon", program: sandbox.host },
    { title: "sandbox, in the pod's PID 1", program: sandbox.child },
  ];
  for (const { container: { name } } of podContainers(pod)) {
    const programs = planContainer(machine, desired, context, name, 0);
    parts.push({ title: `container "${name}", in the daemon`, program: programs.host });
    parts.push({ title: `container "${name}", in the container`, program: programs.child });
  }
  return parts;
}

/** Stands for the uid that a pod is given when it is accepted. */
const PLANNED_UID = "00000000-0000-0000-0000-000000000000";
