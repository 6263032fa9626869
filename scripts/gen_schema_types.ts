/** Renders TypeScript types of Kubernetes' definitions. */
import type { JsonSchema } from "./gen_schema.ts";

function renderType(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice("#/definitions/".length);
  if (schema.enum) return schema.enum.map((option) => JSON.stringify(option)).join(" | ");
  if (schema.items) {
    return schema.items.enum ? `(${renderType(schema.items)})[]` : `${renderType(schema.items)}[]`;
  }
  if (schema.additionalProperties) return `Record<string, ${renderType(schema.additionalProperties)}>`;
  if (schema.format === "int-or-string") return "number | string";
  if (schema.format === "quantity") return "Quantity";
  if (schema.type === "integer") return "number";
  return typeof schema.type === "string" ? schema.type : "unknown";
}

function renderInterface(name: string, schema: JsonSchema, kind: string | undefined): string {
  const lines = Object.entries(schema.properties ?? {}).map(([field, type]) => {
    const optional = schema.required?.includes(field) ? "" : "?";
    const key = /^\w+$/.test(field) ? field : JSON.stringify(field);
    const [apiVersion, kindName] = kind === undefined
      ? []
      : [kind.slice(0, kind.lastIndexOf("/")), kind.split("/").at(-1)];
    if (kind !== undefined && field === "apiVersion") return `  apiVersion: ${JSON.stringify(apiVersion)};`;
    if (kind !== undefined && field === "kind") return `  kind: ${JSON.stringify(kindName)};`;
    return `  ${key}${optional}: ${renderType(type)};`;
  });
  return `/** Kubernetes' ${name}. */\nexport interface ${name} {\n${lines.join("\n")}\n}\n`;
}

/** Renders an interface for each of `definitions`; `kinds` tells which are kinds and their apiVersion. */
export function renderTypes(definitions: Record<string, JsonSchema>, kinds: Record<string, string>): string {
  const kindOf = new Map(Object.entries(kinds).map(([kind, name]) => [name, kind]));
  const interfaces = Object.entries(definitions).map(([name, schema]) =>
    renderInterface(name, schema, kindOf.get(name))
  );
  return "/** A Kubernetes quantity as text, such as `100m` or `1.5Gi`. */\nexport type Quantity = string;\n\n" +
    interfaces.join("\n");
}
