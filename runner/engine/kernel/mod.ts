/** The real side of the seam: what a pod's turn does to the kernel and to the run directory. */
export { CommandNotRun, execInContainer, type ExecIo } from "./exec.ts";
export { findLeftovers, type Leftover, listLeftovers, removeLeftover } from "./leftovers.ts";
export { type Machine, openMachine } from "./machine.ts";
export { machineFaults, writeParentCgroup } from "./cgroups.ts";
export { plannedPrograms, type PlannedStart, planStart } from "./planned.ts";
export { KernelPorts } from "./ports.ts";
export { chooseFirstHostId, parseSubordinateIds } from "./user_ids.ts";
