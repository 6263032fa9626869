import type { ConfigMap, Secret } from "../../../schema/kubernetes/mod.ts";
import type { Problems } from "./problems.ts";
import type { ProcessInput } from "./process_input.ts";

/** A reference to a ConfigMap or Secret as a whole, or to one of its keys. */
export interface ConfigReference {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  readonly optional: boolean;
}

/** The texts of a ConfigMap or Secret by their keys. */
export interface ConfigValues {
  keys(): string[];
  has(key: string): boolean;
  /** Undefined when it is no text: the problem is told. */
  value(key: string, field: string): string | undefined;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The texts behind a reference; undefined where the object is missing, which is a problem unless the reference is optional. */
export function configValues(
  input: ProcessInput,
  reference: ConfigReference,
  field: string,
  problems: Problems,
): ConfigValues | undefined {
  const { kind, name } = reference;
  const object: ConfigMap | Secret | undefined = kind === "ConfigMap"
    ? input.configMaps.get(name)
    : input.secrets.get(name);
  if (object === undefined) {
    if (!reference.optional) {
      problems.add(field, `there is no ${kind} "${name}" in namespace "${namespaceOf(input)}"`);
    }
    return undefined;
  }
  const data = object.data ?? {};
  return {
    keys: () => Object.keys(data),
    has: (key) => Object.hasOwn(data, key),
    value: (key, at) => {
      const text = kind === "ConfigMap" ? data[key]! : decodeSecret(data[key]!);
      if (text === undefined) problems.add(at, `the key "${key}" of the ${kind} "${name}" is no UTF-8 text`);
      return text;
    },
  };
}

/** The text of one key; undefined where there is none, which is a problem unless the reference is optional. */
export function configValue(
  input: ProcessInput,
  reference: ConfigReference & { readonly key: string },
  field: string,
  problems: Problems,
): string | undefined {
  const values = configValues(input, reference, field, problems);
  if (values === undefined) return undefined;
  const { kind, name, key, optional } = reference;
  if (values.has(key)) return values.value(key, field);
  if (!optional) {
    problems.add(field, `the ${kind} "${name}" in namespace "${namespaceOf(input)}" has no text "${key}"`);
  }
  return undefined;
}

function namespaceOf(input: ProcessInput): string {
  return input.context.pod.metadata.namespace;
}

/** The text of a Secret's value; undefined when it is no base64 or no UTF-8. */
function decodeSecret(base64: string): string | undefined {
  try {
    return utf8.decode(Uint8Array.fromBase64(base64));
  } catch {
    return undefined;
  }
}
