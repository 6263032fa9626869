import { type Fault, type NodePath, pathText, quoted } from "../source/mod.ts";
import { childSchema, resolveSchema, type SchemaNode } from "../structure/mod.ts";
import type { DefinitionRow } from "./row.ts";
import { rowOf } from "./table.ts";

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sameValue(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function refusal(path: NodePath, row: DefinitionRow): Fault {
  const generic = row.about.startsWith("A field of Kubernetes");
  const message = `\`${pathText(path)}\` is a Kubernetes field that seedpod does not support yet`;
  return { path, message, hint: generic ? undefined : row.about, atKey: true };
}

/** A sentence as the rest of another one. */
function asClause(sentence: string): string {
  return sentence.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase()).replace(/\.$/, "");
}

function neutralFault(path: NodePath, value: unknown, row: DefinitionRow): Fault[] {
  if (!row.neutral || row.neutral.some((accepted) => sameValue(accepted, value))) return [];
  const accepted = row.neutral.map((option) => JSON.stringify(option)).join(", ");
  const shown = isRecord(value) ? "this value" : quoted(String(value));
  const message = `\`${pathText(path)}\` asks for what seedpod does not support yet: ${shown}`;
  return [{ path, message, hint: `only ${accepted} is accepted here: ${asClause(row.about)}` }];
}

function checkNode(value: unknown, node: SchemaNode, path: NodePath): Fault[] {
  const { schema, name } = resolveSchema(node);
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => checkNode(item, schema.items ?? {}, [...path, index]));
  }
  if (!isRecord(value) || name === undefined) return [];
  return Object.entries(value).flatMap(([field, item]) => {
    const child = childSchema(schema, field);
    return child ? checkField([...path, field], item, rowOf(name, field), child) : [];
  });
}

function checkField(path: NodePath, value: unknown, row: DefinitionRow, node: SchemaNode): Fault[] {
  switch (row.support) {
    case "supported":
      return checkNode(value, node, path);
    case "neutral":
      return neutralFault(path, value, row);
    case "dropped":
      return [];
    case "refused":
      return Array.isArray(value) && value.length === 0 ? [] : [refusal(path, row)];
  }
}

/** Refuses, by name, every field of `value` that Kubernetes has and seedpod does not do. An empty list asks nothing. */
export function checkFields(kind: string, value: unknown): Fault[] {
  return checkNode(value, { $ref: `#/definitions/${kind}` }, []);
}
