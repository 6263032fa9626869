import { childSchema, definitionNamed, resolveSchema, type SchemaNode } from "../structure/mod.ts";
import { CONTAINER_ROWS } from "./container_rows.ts";
import { OBJECT_ROWS } from "./object_rows.ts";
import { POD_ROWS } from "./pod_rows.ts";
import type { DefinitionRow } from "./row.ts";
import { VOLUME_ROWS } from "./volume_rows.ts";

/** One field of a kind, for people: the table of the documentation, and how an edit of it lands. */
export interface FieldRow extends Omit<DefinitionRow, "key"> {
  /** The kind that it belongs to. */
  kind: string;
  /** Its path, as `spec.containers[].image`. */
  path: string;
  /** Its type, as `string`, `[]Container` or `map[string]quantity`. */
  type: string;
}

const ROWS: ReadonlyMap<string, DefinitionRow> = new Map(
  [...OBJECT_ROWS, ...POD_ROWS, ...CONTAINER_ROWS, ...VOLUME_ROWS].map((row) => [row.key, row]),
);
const REFUSED_ABOUT = "A field of Kubernetes that seedpod does not support yet.";
/** Fields of init containers whose edit costs more than the restart of one container. */
const RECREATING = "spec.initContainers[].";

/** What is known of `field` of the definition `owner`; a field without a row is refused. */
export function rowOf(owner: string, field: string): DefinitionRow {
  const key = `${owner}.${field}`;
  return ROWS.get(key) ?? { key, support: "refused", landing: "recreate", about: REFUSED_ABOUT };
}

function typeName(node: SchemaNode): string {
  if (node.$ref !== undefined) return resolveSchema(node).name!;
  if (node.items) return `[]${typeName(node.items)}`;
  if (node.additionalProperties) return `map[string]${typeName(node.additionalProperties)}`;
  if (node.format === "quantity" || node.format === "int-or-string") return node.format;
  return typeof node.type === "string" ? node.type : "any";
}

function expand(kind: string, definition: string, path: string, rows: FieldRow[]): void {
  const properties = definitionNamed(definition).properties ?? {};
  for (const [field, node] of Object.entries(properties)) {
    const { key: _, ...row } = rowOf(definition, field);
    const at = path === "" ? field : `${path}.${field}`;
    const landing = at.startsWith(RECREATING) && row.landing === "restart" ? "recreate" : row.landing;
    rows.push({ kind, path: at, type: typeName(node), ...row, landing });
    if (row.support !== "supported") continue;
    const below = node.items ? resolveSchema(node.items).name : resolveSchema(node).name;
    if (below !== undefined) expand(kind, below, node.items ? `${at}[]` : at, rows);
  }
}

/** Every field that seedpod knows of the kinds it takes, one row each, parents before what is in them. */
export function fieldTable(): FieldRow[] {
  const rows: FieldRow[] = [];
  for (const kind of ["Pod", "ConfigMap", "Secret"]) expand(kind, kind, "", rows);
  return rows;
}

/** The row of the field at `path` of a `kind`'s object, or of its nearest ancestor that has one. */
export function fieldAt(kind: string, path: readonly (string | number)[]): FieldRow | undefined {
  let schema = definitionNamed(kind);
  let owner: string | undefined = kind;
  let pattern = "";
  let found: FieldRow | undefined;
  for (const step of path) {
    const node = childSchema(schema, step);
    if (!node) break;
    if (typeof step === "number") pattern += "[]";
    else if (owner === undefined) break;
    else {
      pattern += pattern === "" ? step : `.${step}`;
      const { key: _, ...row } = rowOf(owner, step);
      const landing = pattern.startsWith(RECREATING) && row.landing === "restart" ? "recreate" : row.landing;
      found = { kind, path: pattern, type: typeName(node), ...row, landing };
    }
    const resolved = resolveSchema(node);
    schema = resolved.schema;
    owner = resolved.name ?? (typeof step === "number" || node.items ? owner : undefined);
    if (node.additionalProperties) owner = undefined;
  }
  return found;
}
