/** Layer 4: observe, plan, apply: one serial turn per pod. */
export { type Acceptance, acceptPod, findRecord } from "./accept.ts";
export { currentStates } from "./current.ts";
export {
  CommandNotRun,
  execInContainer,
  type ExecIo,
  KernelPorts,
  type Leftover,
  listLeftovers,
  type Machine,
  machineFaults,
  openMachine,
  plannedPrograms,
  type PlannedStart,
  planStart,
  removeLeftover,
} from "./kernel/mod.ts";
export { type DeclaredPod, type DeclaredPods, readManifests } from "./manifests.ts";
export { PodWorker } from "./pod_worker.ts";
export { Supervisor, type SupervisorListener } from "./supervisor.ts";
