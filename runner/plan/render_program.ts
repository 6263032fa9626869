import type { Arg, ManifestPath, Program, Step, StepAction } from "./program.ts";

/** Where a manifest path stands in the source. */
export interface SourcePlace {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Finds the place of a manifest path; undefined for one that no line of the source asked for. */
export type Locate = (path: ManifestPath) => SourcePlace | undefined;

/** No column but the last grows beyond this many characters. */
const MAX_COLUMN = 72;

const octalText = (value: number | bigint): string => "0" + value.toString(8);

function renderArg(arg: Arg, indexes: ReadonlyMap<Step, number>): string {
  switch (arg.kind) {
    case "int":
      return arg.octal && arg.value !== 0 ? octalText(arg.value) : String(arg.value);
    case "flags":
      return arg.names.length === 0 ? "0" : arg.names.join("|");
    case "data":
      return arg.text;
    case "result":
      return `#${indexes.get(arg.step) ?? "?"}`;
    case "passed":
      return `<${arg.text}>`;
  }
}

function renderAction(action: StepAction, indexes: ReadonlyMap<Step, number>): string {
  if ("call" in action) {
    return `${action.call}(${action.args.map((arg) => renderArg(arg, indexes)).join(", ")})`;
  }
  if ("check" in action) {
    const { check, offset, mask, equals, errno } = action;
    return `check (${check.text}[${offset}] & 0x${mask.toString(16)}) == 0x${
      equals.toString(16)
    } or ${errno}`;
  }
  return `reap below (children ${renderArg(action.children, indexes)})`;
}

/** The rules around a step, in words; empty when there are none. */
function renderRules(step: Step, number: number, indexes: ReadonlyMap<Step, number>): string {
  const rules: string[] = [];
  if (step.tolerate?.length) rules.push(`tolerates ${step.tolerate.join(", ")}`);
  if (step.skipOnSuccess) rules.push(`on success goes on at #${number + 1 + step.skipOnSuccess}`);
  if (step.resultInto) rules.push(`result becomes #${indexes.get(step.resultInto) ?? "?"}`);
  if (step.store) {
    const form = step.store.as === "path" ? "as text " : "";
    rules.push(`stores the result ${form}in ${step.store.in.text}[${step.store.at}]`);
  }
  return rules.length === 0 ? "" : `  ; ${rules.join("; ")}`;
}

/** Control characters, which a name in a manifest may hold, must not move a reader's cursor. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

const visible = (text: string): string =>
  text.replace(CONTROL, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);

/**
 * A program as text: a line for each step with its number from 1 on, the line of the manifest that asks for it, its name, and the
 * system call, whose results are `#N`. Ends with a newline unless the program is empty.
 */
export function renderProgram(program: Program, locate: Locate): string {
  const indexes = new Map(program.steps.map((step, index) => [step, index + 1]));
  const rows = program.steps.map((step, index) => {
    const place = step.from && locate(step.from);
    return [
      `#${index + 1}`,
      place ? `${place.file}:${place.line}` : "-",
      step.name,
      renderAction(step.action, indexes) + renderRules(step, index + 1, indexes),
    ].map(visible);
  });
  const widths = [0, 1, 2].map((column) =>
    Math.min(MAX_COLUMN, Math.max(0, ...rows.map((row) => row[column]!.length)))
  );
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ") + "\n")
    .join("");
}
