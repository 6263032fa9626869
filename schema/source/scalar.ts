/** A scalar's value as Kubernetes reads it; integers beyond 2^53 are exact bigints. */
export type ScalarValue = string | number | bigint | boolean | null;

/** A scalar that JSON cannot hold, or that does not fit its tag. */
export class ScalarError extends Error {}

const WORDS: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) =>
    [word, true] as const
  ),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) =>
    [word, false] as const
  ),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
]);
const NOT_FINITE = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** The integer that Go's `strconv.ParseInt(text, 0, 64)` reads, or undefined. */
function parseInteger(text: string): number | bigint | undefined {
  const match = INTEGER.exec(text);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const digits = hex ? `0x${hex}` : binary ? `0b${binary}` : octal ? `0o${octal}` : decimal!;
  const magnitude = BigInt(digits);
  const value = sign === "-" ? -magnitude : magnitude;
  if (value < INT64_MIN || value > INT64_MAX) return Number(value);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function parseFloat64(text: string): number | undefined {
  const value = FLOAT.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : undefined;
}

/**
 * The value of a plain scalar by the rules of go-yaml v2, which kubectl reads with: YAML 1.1's words for
 * booleans and octal numbers, YAML 1.2's `0o`, no sexagesimal numbers, no dates.
 */
export function resolvePlainScalar(text: string): ScalarValue {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (NOT_FINITE.test(text)) throw new ScalarError(`${text} is not a number that JSON can hold`);
  if (text.startsWith(".")) return parseFloat64(text) ?? text;
  if (!/^[-+0-9]/.test(text)) return text;
  const plain = text.replaceAll("_", "");
  return parseInteger(plain) ?? parseFloat64(plain) ?? text;
}

function mismatch(text: string, tag: string): never {
  throw new ScalarError(`${JSON.stringify(text)} cannot be read as !!${tag}`);
}

function decodeBinary(text: string): string {
  try {
    const bytes = Uint8Array.from(atob(text.replace(/\s/g, "")), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ScalarError("this !!binary value is not base64 of UTF-8 text");
  }
}

/** The value of a scalar with the explicit tag `tag` (in full, as `tag:yaml.org,2002:int`). */
export function resolveTaggedScalar(text: string, tag: string): ScalarValue {
  const name = tag.startsWith("tag:yaml.org,2002:") ? tag.slice("tag:yaml.org,2002:".length) : undefined;
  const value = name === "int" || name === "float" || name === "bool" || name === "null"
    ? resolvePlainScalar(text)
    : undefined;
  const type = typeof value;
  switch (name) {
    case "int":
      return type === "bigint" || Number.isInteger(value) ? value! : mismatch(text, name);
    case "float":
      return type === "number" || type === "bigint" ? Number(value) : mismatch(text, name);
    case "bool":
      return type === "boolean" ? value! : mismatch(text, name);
    case "null":
      return value === null ? null : mismatch(text, name);
    case "binary":
      return decodeBinary(text);
    default:
      return text;
  }
}
