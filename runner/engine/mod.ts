/** Layer 4: observe, plan, apply: one serial turn per pod. */
export { type Acceptance, acceptPod, findRecord } from "./accept.ts";
export { execInContainer, type ExecIo } from "./exec.ts";
export { type Machine, openMachine } from "./machine.ts";
export { type DeclaredPod, type DeclaredPods, readManifests } from "./manifests.ts";
export { currentStates } from "./current.ts";
export { plannedPrograms } from "./planned.ts";
export { Supervisor, type SupervisorListener } from "./supervisor.ts";
