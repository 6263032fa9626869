import { DEFINITIONS_JSON } from "./definitions.gen.ts";

/** A definition of the JSON schema, in the keywords that it uses. */
export interface SchemaNode {
  type?: string | string[];
  format?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  $ref?: string;
  items?: SchemaNode;
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | false;
  required?: string[];
}

let parsed: { kinds: string[]; definitions: Record<string, SchemaNode> } | undefined;

function definitions(): { kinds: string[]; definitions: Record<string, SchemaNode> } {
  return parsed ??= JSON.parse(DEFINITIONS_JSON);
}

/** Every kind of Kubernetes, as `apiVersion/Kind`. */
export function kubernetesKinds(): readonly string[] {
  return definitions().kinds;
}

/** The definition called `name`, such as `Container`. */
export function definitionNamed(name: string): SchemaNode {
  const definition = definitions().definitions[name];
  if (!definition) throw new Error(`Cannot find the definition "${name}": the schema has none`);
  return definition;
}

/** `schema` itself, or the definition that it refers to, with its name. */
export function resolveSchema(schema: SchemaNode): { schema: SchemaNode; name: string | undefined } {
  const name = schema.$ref?.slice("#/definitions/".length);
  return name === undefined ? { schema, name } : { schema: definitionNamed(name), name };
}

/** The schema of one step below `schema`: a property, a map's value, a list's item. */
export function childSchema(schema: SchemaNode, step: string | number): SchemaNode | undefined {
  if (typeof step === "number") return schema.items;
  const properties = schema.properties;
  if (properties && Object.hasOwn(properties, step)) return properties[step];
  return schema.additionalProperties || undefined;
}
