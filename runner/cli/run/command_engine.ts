import {
  currentStates,
  type DeclaredPods,
  type Machine,
  machineFaults,
  openMachine,
  plannedPrograms,
  readManifests,
} from "../../engine/mod.ts";
import { podObject } from "../../plan/mod.ts";
import type { Diagnostic, Pod } from "../../../schema/mod.ts";
import { type PodRecord, readRecords, rootPlaces } from "../../state/mod.ts";
import { findRecord } from "../../engine/mod.ts";
import type { CommandEngine, DownRequest, ExecRequest, Io, UpRequest } from "../io.ts";
import type { PlannedPod } from "../view/mod.ts";
import { ManifestErrors } from "../manifest_errors.ts";

/** The commands' way to the engine of the root that the environment names. */
export function openCommandEngine(): CommandEngine {
  return new LocalEngine(openMachine(rootPlaces(Deno.env.get("SEEDPOD_ROOT"))));
}

/** Works on the root in this process; no daemon is needed. */
class LocalEngine implements CommandEngine {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  get logRoot(): string {
    return this.#machine.root.logs;
  }

  async pods(): Promise<Pod[]> {
    const records = await currentStates(this.#machine);
    const facts = { nowMs: Date.now(), nodeName: this.#machine.facts.hostname };
    const hostIP = this.#machine.hostIP ? { hostIP: this.#machine.hostIP } : {};
    return records.sort(byName).map(({ desired, state }) =>
      podObject(desired.pod, state, { ...facts, ...hostIP })
    );
  }

  async plan(manifests: readonly string[]): Promise<PlannedPod[]> {
    const { pods } = await readForMachine(this.#machine, manifests);
    const records = readRecords(this.#machine.root);
    return pods.map((declared) => {
      const { namespace, name } = declared.pod.metadata;
      const record = findRecord(records, namespace, name);
      const unchanged = record?.desired.hash === declared.hash;
      const remove = record && !unchanged
        ? [{ sign: "-" as const, text: `remove pod "${name}" as it was declared before` }]
        : [];
      const programs = unchanged ? [] : plannedPrograms(this.#machine, declared, Date.now());
      const create = unchanged ? [] : plannedActions(declared.pod.spec);
      return {
        namespace,
        name,
        actions: [...remove, ...create],
        programs,
        locate: (path) => declared.locate(path),
      };
    });
  }

  async up(request: UpRequest, io: Io): Promise<number> {
    const { up } = await import("./up.ts");
    return await up(this.#machine, await readForMachine(this.#machine, request.manifests), request, io);
  }

  async down(request: DownRequest, io: Io): Promise<number> {
    const { down } = await import("./down.ts");
    const named = request.manifests === "all"
      ? "all"
      : (await readOrThrow(request.manifests)).pods.map(({ pod }) => pod.metadata);
    return await down(this.#machine, readRecords(this.#machine.root), named, request.graceSeconds, io);
  }

  async serve(io: Io): Promise<number> {
    const { serve } = await import("./serve.ts");
    return await serve(this.#machine, io);
  }

  async exec(request: ExecRequest, io: Io): Promise<number> {
    const { exec } = await import("./exec.ts");
    const records = await currentStates(this.#machine);
    const { namespace, name } = request.pod.metadata ?? {};
    const record = findRecord(records, namespace ?? "", name ?? "");
    return await exec(this.#machine, record!, request, io);
  }
}

function byName(a: PodRecord, b: PodRecord): number {
  const [first, second] = [a.desired.pod.metadata, b.desired.pod.metadata];
  return `${first.namespace}/${first.name}`.localeCompare(`${second.namespace}/${second.name}`, "en");
}

function plannedActions(
  spec: { initContainers?: { name: string }[]; containers: { name: string }[] },
): PlannedPod["actions"] {
  return [
    { sign: "+", text: "make the sandbox: namespaces, cgroup, volumes" },
    ...(spec.initContainers ?? []).map((each) => ({
      sign: "+" as const,
      text: `run init container "${each.name}"`,
    })),
    ...spec.containers.map((each) => ({ sign: "+" as const, text: `start container "${each.name}"` })),
  ];
}

/** Reads manifests; an error in any of them means that none is used. */
async function readOrThrow(manifests: readonly string[]): Promise<DeclaredPods> {
  const declared = await readManifests(manifests);
  await refuseErrors(declared.diagnostics);
  return declared;
}

/** The same for pods that this machine is to run: what it cannot do is an error too, and nothing is started. */
async function readForMachine(machine: Machine, manifests: readonly string[]): Promise<DeclaredPods> {
  const declared = await readOrThrow(manifests);
  await refuseErrors(machineFaults(machine, declared.pods));
  return declared;
}

async function refuseErrors(diagnostics: readonly Diagnostic[]): Promise<void> {
  if (!diagnostics.some((each) => each.severity === "error")) return;
  const { renderDiagnostic } = await import("../../../schema/mod.ts");
  throw new ManifestErrors((color) =>
    diagnostics.map((each) => renderDiagnostic(each, { color })).join("\n")
  );
}
