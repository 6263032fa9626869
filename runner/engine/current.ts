import { type PodState } from "../plan/mod.ts";
import {
  containerExited,
  containerForgotten,
  containerRunning,
  containerStartFailed,
  memoryOf,
  sandboxLost,
} from "../plan/mod.ts";
import {
  type PodRecord,
  podRunDirectory,
  readRecord,
  readRecords,
  SUPERVISOR_LOCK,
  tryLock,
} from "../state/mod.ts";
import type { SandboxEvent } from "./ports.ts";
import { KernelPorts, type Machine } from "./kernel/mod.ts";

/**
 * Every pod of the root with its true state: the record where somebody supervises the pod, and else what the kernel says
 * now, without changing anything.
 */
export async function currentStates(machine: Machine): Promise<PodRecord[]> {
  const ports = new KernelPorts(machine);
  return await Promise.all(readRecords(machine.root).map((record) => current(machine, ports, record)));
}

async function current(machine: Machine, ports: KernelPorts, record: PodRecord): Promise<PodRecord> {
  if (record.state.sandbox.at !== "ready") return record;
  const { uid } = record.desired;
  using lock = tryLock(`${podRunDirectory(machine.root, uid)}/${SUPERVISOR_LOCK}`, { shared: true });
  if (!lock) return record;
  // a supervisor may have left since the record was read, and said something before
  let state: PodState = readRecord(machine.root, uid)?.state ?? record.state;
  const sandbox = await ports.adoptSandbox(record.desired, record.state, (event) => {
    state = fold(state, event, ports.nowMs());
  });
  sandbox?.close();
  return { ...record, state: sandbox ? state : sandboxLost(state, ports.nowMs()) };
}

function fold(state: PodState, event: SandboxEvent, nowMs: number): PodState {
  if (event.type === "lost") return state;
  if (memoryOf(state, event.name).attempt !== event.attempt) return state;
  switch (event.type) {
    case "running":
      return containerRunning(state, event.name, event.startedMs);
    case "exited":
      return containerExited(state, event.name, event.end);
    case "forgotten":
      return containerForgotten(state, event.name, nowMs);
    case "start-failed":
      return containerStartFailed(state, event.name, event.message, nowMs);
  }
}
