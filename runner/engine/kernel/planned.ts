import { type FlagName, USER_NAMESPACE_IDS } from "../../base/mod.ts";
import {
  containerCloneFlags,
  podContainers,
  type Program,
  sandboxCloneFlags,
  type UserNamespace,
} from "../../plan/mod.ts";
import { type DesiredPod, readIfThere } from "../../state/mod.ts";
import type { Machine } from "./machine.ts";
import type { DeclaredPod } from "../manifests.ts";
import {
  type ContainerPrograms,
  planContainer,
  planSandbox,
  type SandboxPrograms,
  startContext,
} from "./start.ts";
import { parseSubordinateIds } from "./user_ids.ts";

/** A part of a pod's start: who makes the calls, and which. */
export interface PlannedPart {
  readonly title: string;
  readonly program: Program;
}

/** All that the start of a pod is made of, none of which has happened. */
export interface PlannedStart {
  readonly desired: DesiredPod;
  readonly sandbox: SandboxPrograms & { readonly cloneFlags: readonly FlagName[] };
  readonly containers: readonly (ContainerPrograms & {
    readonly name: string;
    readonly cloneFlags: readonly FlagName[];
  })[];
}

/** Plans the whole start of a declared pod. */
export function planStart(machine: Machine, declared: DeclaredPod, nowMs: number): PlannedStart {
  const { pod, configMaps, secrets, hash } = declared;
  const desired: DesiredPod = { uid: PLANNED_UID, pod, configMaps, secrets, hash };
  const unborn = startContext(machine, desired, undefined);
  const context = pod.spec.hostUsers === false ? { ...unborn, userNamespace: plannedUsers() } : unborn;
  const sandbox = {
    ...planSandbox(machine, desired, context, nowMs),
    cloneFlags: sandboxCloneFlags(context),
  };
  const cloneFlags = containerCloneFlags(context);
  const containers = podContainers(pod).map(({ container: { name } }) => ({
    ...planContainer(machine, desired, context, name, 0),
    name,
    cloneFlags,
  }));
  return { desired, sandbox, containers };
}

/** The system calls that the start of a declared pod would be, none of which is made. */
export function plannedPrograms(machine: Machine, declared: DeclaredPod, nowMs: number): PlannedPart[] {
  const { sandbox, containers } = planStart(machine, declared, nowMs);
  return [
    { title: "sandbox, in the daemon", program: sandbox.host },
    { title: "sandbox, in the pod's PID 1", program: sandbox.child },
    ...containers.flatMap(({ name, host, child }) => [
      { title: `container "${name}", in the daemon`, program: host },
      { title: `container "${name}", in the container`, program: child },
    ]),
  ];
}

/** Stands for the users that a pod with `hostUsers: false` is given when it is accepted: the first that are granted. */
function plannedUsers(): UserNamespace {
  const { start } = parseSubordinateIds(readIfThere("/etc/subuid") ?? "");
  return { fd: -1, firstHostId: start, count: USER_NAMESPACE_IDS };
}

/** Stands for the uid that a pod is given when it is accepted. */
const PLANNED_UID = "00000000-0000-0000-0000-000000000000";
