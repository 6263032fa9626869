/** Reads Kubernetes' definitions out of the npm packages `@kubernetes/client-node` and `kubernetes-models`. */
import * as clientNode from "@kubernetes/client-node";
import "kubernetes-models/v1/Pod";
import type { Definitions, JsonSchema } from "./gen_schema.ts";

interface Attribute {
  name: string;
  baseName: string;
  type: string;
  format: string;
}

/** One definition as kubernetes-models declares it. */
interface ModelFacts {
  apiVersion: string;
  name: string;
  isKind: boolean;
  fields: Map<string, string>;
}

const INT32 = { minimum: -2147483648, maximum: 2147483647 };
/** Beyond these, JSON numbers of JavaScript are no longer exact; no int64 field of Kubernetes needs more. */
const INT64 = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
const FREE_FORM: JsonSchema = {};
const STRING_FORMATS: Record<string, JsonSchema> = {
  IntOrString: { type: ["integer", "string"], format: "int-or-string", ...INT32 },
  V1MicroTime: { type: "string", format: "date-time" },
  Date: { type: "string", format: "date-time" },
};

/** Names of types that Kubernetes' schema leaves open, although the packages give them a class. */
const OPEN_TYPES = new Set(["any", "object", "RuntimeRawExtension", "V1JSONSchemaProps"]);

const modelClasses = clientNode as unknown as Record<string, { getAttributeTypeMap?: () => Attribute[] }>;

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function parseModel(text: string, name: string, apiVersion: string): ModelFacts {
  const body = /export interface I\w+ .*?\{\n([\s\S]*?)\n\}/.exec(text)?.[1] ?? "";
  const fields = new Map<string, string>();
  for (const match of body.matchAll(/^ {4}"([^"]+)"\??: ([^;]*?(?:\{[\s\S]*?\n {4}\})?);/gm)) {
    fields.set(match[1]!, match[2]!);
  }
  return { apiVersion, name, fields, isKind: fields.get("kind") === `"${name}"` };
}

/** The facts of kubernetes-models, by the class name that client-node gives the same definition. */
function readModels(directory: URL, parts: string[] = []): Map<string, ModelFacts> {
  const models = new Map<string, ModelFacts>();
  for (const entry of Deno.readDirSync(directory)) {
    if (entry.isDirectory && entry.name !== "_schemas") {
      const below = readModels(new URL(`${entry.name}/`, directory), [...parts, entry.name]);
      for (const [name, facts] of below) models.set(name, facts);
    } else if (entry.name.endsWith(".d.ts") && entry.name !== "index.d.ts" && parts.length > 0) {
      const name = entry.name.slice(0, -".d.ts".length);
      const version = capitalized(parts.at(-1)!);
      const group = parts.length > 1 ? capitalized(parts[0]!.split(".")[0]!) : "Core";
      const className = [`${group}${version}${name}`, `${version}${name}`].find((known) =>
        known in modelClasses
      );
      const text = Deno.readTextFileSync(new URL(entry.name, directory));
      if (className !== undefined) models.set(className, parseModel(text, name, parts.join("/")));
    }
  }
  return models;
}

/** A definition's name without its version, as Kubernetes' Go code spells it, if that is unambiguous. */
function definitionName(className: string): string {
  return className.replace(/^(?:[A-Z][a-z]+)?V1(?=[A-Z])/, "");
}

function nameDefinitions(classNames: string[]): Map<string, string> {
  const count = new Map<string, number>();
  for (const className of classNames) {
    const short = definitionName(className);
    count.set(short, (count.get(short) ?? 0) + 1);
  }
  return new Map(classNames.map((className) => {
    const short = definitionName(className);
    return [className, count.get(short) === 1 ? short : className];
  }));
}

function fieldSchema(type: string, format: string, model: string, names: Map<string, string>): JsonSchema {
  const list = /^Array<(.*)>$/.exec(type);
  if (list) return { type: "array", items: fieldSchema(list[1]!, format, model, names) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map) return { type: "object", additionalProperties: fieldSchema(map[1]!, format, model, names) };
  if (OPEN_TYPES.has(type)) return FREE_FORM;
  const special = STRING_FORMATS[type];
  if (special) return special;
  if (type === "boolean") return { type };
  if (type === "number") {
    if (format === "double") return { type: "number", format };
    return { type: "integer", format, ...(format === "int32" ? INT32 : INT64) };
  }
  if (type === "string") {
    if (model.includes("ResourceQuantity")) return { type, format: "quantity" };
    const options = [...model.matchAll(/"([^"]*)"/g)].map((match) => match[1]!);
    if (options.length > 0 && /^"|^Array<"/.test(model)) return { type, enum: options };
    return format === "" ? { type } : { type, format };
  }
  const name = names.get(type);
  if (name === undefined) throw new Error(`Cannot read the type "${type}": no class of that name`);
  return { $ref: `#/definitions/${name}` };
}

function definitionOf(
  className: string,
  facts: ModelFacts | undefined,
  directory: URL,
  names: Map<string, string>,
) {
  const declaration = Deno.readTextFileSync(new URL(`${className}.d.ts`, directory));
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const { name, baseName, type, format } of modelClasses[className]!.getAttributeTypeMap!()) {
    if (facts && !facts.fields.has(baseName)) {
      throw new Error(`Cannot merge ${className}: only one package has ${baseName}`);
    }
    properties[baseName] = fieldSchema(type, format, facts?.fields.get(baseName) ?? "", names);
    if (declaration.includes(`\n    '${name}': `)) required.push(baseName);
  }
  const schema: JsonSchema = { type: "object", properties, additionalProperties: false };
  if (facts?.isKind) {
    for (const field of ["kind", "apiVersion"]) if (!required.includes(field)) required.unshift(field);
  }
  if (required.length > 0) schema.required = required;
  return schema;
}

/** Reads every definition of Kubernetes `release` (as "1.36"); throws when the packages hold another one. */
export async function readDefinitions(release: string): Promise<Definitions> {
  const modelsDirectory = new URL("../", import.meta.resolve("kubernetes-models/v1/Pod"));
  const clientDirectory = new URL("./gen/models/", import.meta.resolve("@kubernetes/client-node"));
  const pod = await Deno.readTextFile(new URL("V1Pod.d.ts", clientDirectory));
  if (!pod.includes(`release-${release}\n`)) {
    throw new Error(`Cannot generate: the package is not of ${release}`);
  }
  const models = readModels(modelsDirectory);
  const classNames = Object.keys(modelClasses).filter((name) => modelClasses[name]?.getAttributeTypeMap)
    .sort();
  const names = nameDefinitions(classNames);
  const result: Definitions = { kinds: {}, definitions: {} };
  for (const className of classNames) {
    const facts = models.get(className);
    result.definitions[names.get(className)!] = definitionOf(className, facts, clientDirectory, names);
    if (facts?.isKind) result.kinds[`${facts.apiVersion}/${facts.name}`] = names.get(className)!;
  }
  return result;
}
