import { type Fault, MAX_FAULTS_PER_OBJECT, MAX_LIST_ITEMS, type NodePath, quoted } from "../source/mod.ts";
import { childSchema, definitionNamed, resolveSchema, type SchemaNode } from "./definitions.ts";
import { suggestWord } from "./suggest.ts";
import * as validators from "./validators.gen.ts";

/** One error as ajv reports it. */
interface AjvError {
  instancePath: string;
  keyword: string;
  params: Record<string, unknown>;
}

type Validator = ((data: unknown) => boolean) & { errors: AjvError[] | null };

const TYPE_NAMES: Record<string, string> = {
  object: "a mapping",
  array: "a list",
  string: "a string",
  integer: "an integer",
  number: "a number",
  boolean: "true or false",
};

/**
 * The value as Kubernetes' decoder sees it: a field that is null is absent, and a quantity that is written as a
 * number is its text.
 */
export function normalizeValue(value: unknown, schemaNode: SchemaNode): unknown {
  const { schema } = resolveSchema(schemaNode);
  if (schema.format === "quantity" && (typeof value === "number" || typeof value === "bigint")) {
    return String(value);
  }
  if (Array.isArray(value)) return value.map((item) => normalizeValue(item, schema.items ?? {}));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .filter(([key, item]) => item !== null || !schema.properties || !Object.hasOwn(schema.properties, key))
    .map(([key, item]) => [key, normalizeValue(item, childSchema(schema, key) ?? {})]);
  return Object.fromEntries(kept);
}

function parsePointer(pointer: string, value: unknown): { path: NodePath; value: unknown } {
  const path: (string | number)[] = [];
  let current = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const step = Array.isArray(current) ? Number(key) : key;
    path.push(step);
    current = (current as Record<string | number, unknown>)[step];
  }
  return { path, value: current };
}

/** The schema at `path` below the definition `root`, and the name of the nearest definition around it. */
function schemaAt(root: string, path: NodePath): { schema: SchemaNode; owner: string } {
  let schema = definitionNamed(root);
  let owner = root;
  for (const step of path) {
    const resolved = resolveSchema(childSchema(schema, step) ?? {});
    schema = resolved.schema;
    owner = resolved.name ?? owner;
  }
  return { schema, owner };
}

function describe(value: unknown): string {
  if (value === null) return "nothing is given";
  if (Array.isArray(value)) return "this is a list";
  switch (typeof value) {
    case "string":
      return `${quoted(value)} is a string`;
    case "boolean":
      return `${value} is a boolean`;
    case "number":
    case "bigint":
      return `${value} is ${Number.isInteger(Number(value)) ? "an integer" : "a fraction"}`;
    default:
      return "this is a mapping";
  }
}

function typeHint(value: unknown, wanted: string[]): Fault["hint"] {
  if (wanted.includes("string") && typeof value !== "object") {
    return (written) => `put it in quotes: "${written.slice(0, 40)}"`;
  }
  if (wanted.includes("array") && typeof value === "object" && value !== null) {
    return 'begin each item with "- "';
  }
  if (wanted.includes("array") && value !== null) {
    return `write it as a list: [${JSON.stringify(String(value))}]`;
  }
  if (typeof value !== "string") return undefined;
  const bare = value.trim();
  if (wanted.includes("integer") && /^-?[0-9]+$/.test(bare)) return `remove the quotes: ${bare}`;
  if (wanted.includes("boolean") && /^(?:true|false)$/i.test(bare)) {
    return `remove the quotes: ${bare.toLowerCase()}`;
  }
  return undefined;
}

function typeFault(path: NodePath, value: unknown, wanted: string[]): Fault {
  if (typeof value === "bigint" && wanted.includes("integer")) return rangeFault(path);
  const names = wanted.map((type) => TYPE_NAMES[type] ?? type).join(" or ");
  return { path, message: `${describe(value)} where ${names} is wanted`, hint: typeHint(value, wanted) };
}

function rangeFault(path: NodePath): Fault {
  return { path, message: `the number is out of range for ${quoted(String(path.at(-1)))}` };
}

function unknownFault(path: NodePath, field: string, schema: SchemaNode, owner: string): Fault {
  const suggestion = suggestWord(field, Object.keys(schema.properties ?? {}));
  const hint = suggestion === undefined ? undefined : `did you mean "${suggestion}"?`;
  return { path: [...path, field], message: `unknown field ${quoted(field)} in ${owner}`, hint, atKey: true };
}

function enumFault(path: NodePath, value: unknown, options: string[]): Fault {
  const shown = options.filter((option) => option !== "");
  const suggestion = suggestWord(String(value), shown);
  const list = shown.length === 1 ? `it can only be ${shown[0]}` : `it is one of ${shown.join(", ")}`;
  return {
    path,
    message: `${quoted(String(value))} is not a value of "${
      String(path.findLast((step) => typeof step === "string"))
    }"`,
    hint: suggestion === undefined ? list : `did you mean "${suggestion}"? (${list})`,
  };
}

function translate(error: AjvError, root: string, data: unknown): Fault {
  const { path, value } = parsePointer(error.instancePath, data);
  const { schema, owner } = schemaAt(root, path);
  switch (error.keyword) {
    case "additionalProperties":
      return unknownFault(path, String(error.params.additionalProperty), schema, owner);
    case "required":
      return { path, message: `the field "${error.params.missingProperty}" is missing in ${owner}` };
    case "enum":
      return enumFault(path, value, error.params.allowedValues as string[]);
    case "type":
      return typeFault(path, value, [error.params.type].flat() as string[]);
    default:
      return rangeFault(path);
  }
}

/** Faults of one value that say less than another one about the same value. */
function withoutEchoes(errors: AjvError[]): AjvError[] {
  const wrongType = new Set(
    errors.filter((error) => error.keyword === "type").map((error) => error.instancePath),
  );
  return errors.filter((error) => error.keyword === "type" || !wrongType.has(error.instancePath));
}

/** The first list in `value` that is too long to be checked: ajv's time grows with the square of its faults. */
function overlongList(value: unknown, path: NodePath = []): Fault | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) && value.length > MAX_LIST_ITEMS) {
    return { path, message: `a list has at most ${MAX_LIST_ITEMS} items, not ${value.length}`, atKey: true };
  }
  for (const [key, item] of Object.entries(value)) {
    const fault = overlongList(item, [...path, Array.isArray(value) ? Number(key) : key]);
    if (fault) return fault;
  }
  return undefined;
}

/** What {@linkcode checkStructure} finds. */
export interface StructureCheck {
  faults: Fault[];
  /**
   * The data as it would be with every misspelt name put right, when nothing else is wrong with it; so that the
   * rules can be checked without echoing the misspelling.
   */
  repaired: unknown;
}

/** Puts right, in `data`, the misspelling that `error` is about. */
function repair(error: AjvError, root: string, data: unknown): void {
  const { path } = parsePointer(error.instancePath, data);
  const unknown = error.keyword === "additionalProperties"
    ? String(error.params.additionalProperty)
    : undefined;
  const parentPath = unknown === undefined ? path.slice(0, -1) : path;
  const key = unknown ?? path.at(-1)!;
  const parent = parentPath.reduce<unknown>(
    (value, step) => (value as Record<string | number, unknown>)[step],
    data,
  );
  const fields = parent as Record<string | number, unknown>;
  const value = fields[key];
  delete fields[key];
  if (unknown === undefined) {
    const suggestion = suggestWord(String(value), error.params.allowedValues as string[]);
    if (suggestion !== undefined) fields[key] = suggestion;
    return;
  }
  const suggestion = suggestWord(unknown, Object.keys(schemaAt(root, path).schema.properties ?? {}));
  if (suggestion !== undefined && !Object.hasOwn(fields, suggestion)) fields[suggestion] = value;
}

/**
 * Checks the fields and types of `data`, an object of the kind whose definition is `root` (`Pod`), against the
 * JSON schema of Kubernetes, and answers the faults, as many as a person could read.
 */
export function checkStructure(root: string, data: unknown): StructureCheck {
  const validate = (validators as unknown as Record<string, Validator>)[`validate${root}`];
  if (!validate) throw new Error(`Cannot check the structure of "${root}": no validator is compiled for it`);
  const overlong = overlongList(data);
  if (overlong) return { faults: [overlong], repaired: undefined };
  if (validate(data)) return { faults: [], repaired: data };
  const errors = withoutEchoes(validate.errors ?? []).slice(0, MAX_FAULTS_PER_OBJECT);
  const faults = errors.map((error) => translate(error, root, data));
  const misspelt = errors.every(({ keyword }) => keyword === "additionalProperties" || keyword === "enum");
  if (!misspelt) return { faults, repaired: undefined };
  const repaired = structuredClone(data);
  for (const error of errors) repair(error, root, repaired);
  return { faults, repaired: validate(repaired) ? repaired : undefined };
}
