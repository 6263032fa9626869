/** The pod's clocks: a time namespace where an annotation asks for an offset, see time_namespaces(7). */
import { BOOTTIME_OFFSET, MONOTONIC_OFFSET, parseTimeOffset } from "../../../schema/kubernetes/mod.ts";
import { SeedpodError } from "../../base/mod.ts";
import { addFileSystem, addWriteAndClose } from "../idioms.ts";
import { call, flags, type ProgramBuilder, resultOf, type StepOptions, text } from "../program.ts";
import type { StartContext } from "./context.ts";

const CLOCKS = [["monotonic", MONOTONIC_OFFSET], ["boottime", BOOTTIME_OFFSET]] as const;

/**
 * Adds the pod's time namespace. Whoever makes one stays outside: infra keeps the machine's clocks, and every container
 * and command that it clones is born with the pod's. The offsets can be set only before the first is.
 */
export function addTimeNamespace(builder: ProgramBuilder, context: StartContext): void {
  const annotations = context.pod.metadata.annotations ?? {};
  const asked = CLOCKS.filter(([, key]) => annotations[key] !== undefined);
  if (asked.length === 0) return;
  const from = ["metadata", "annotations"];
  const lines = asked.map(([clock, key]) => `${clock} ${offsetOf(key, annotations[key]!)}\n`).join("");
  const none = "This kernel is built without time namespaces (CONFIG_TIME_NS): remove the time annotations";
  builder.add("make a time namespace", call("unshare", "CLONE_NEWTIME"), { from, hint: none });
  const options: StepOptions = {
    from: asked.length === 1 ? [...from, asked[0]![1]] : from,
    hint: "No clock of the pod can go below zero: a negative offset is bounded by the machine's uptime",
  };
  const name = "set the offsets of the pod's clocks";
  const proc = addFileSystem(builder, name, "proc", [], [], options);
  const how = flags("O_WRONLY", "O_CLOEXEC");
  const file = builder.add(
    name,
    call("openat", resultOf(proc), text("self/timens_offsets"), how, 0),
    options,
  );
  addWriteAndClose(builder, name, file, lines, options);
  builder.add(name, call("close", resultOf(proc)));
}

/** Seconds and nanoseconds as /proc/PID/timens_offsets takes them. */
function offsetOf(key: string, value: string): string {
  const offset = parseTimeOffset(value);
  if (!offset) {
    throw new SeedpodError(`Cannot set "${key}": "${value}" is not a time offset`, { fault: "user" });
  }
  return `${offset.seconds} ${offset.nanoseconds}`;
}
