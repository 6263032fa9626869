/** Layer 4: observe, plan, apply: one serial turn per pod. */
export { type Acceptance, acceptPod, findRecord } from "./accept.ts";
export { CommandNotRun, execInContainer, type ExecIo } from "./exec.ts";
export { type Leftover, listLeftovers, removeLeftover } from "./leftovers.ts";
export { type Machine, openMachine } from "./machine.ts";
export { machineFaults } from "./cgroups.ts";
export { type DeclaredPod, type DeclaredPods, readManifests } from "./manifests.ts";
export { currentStates } from "./current.ts";
export { KernelPorts } from "./kernel_ports.ts";
export { plannedPrograms, type PlannedStart, planStart } from "./planned.ts";
export { PodWorker } from "./pod_worker.ts";
export { Supervisor, type SupervisorListener } from "./supervisor.ts";
