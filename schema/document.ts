import { applyDefaults } from "./defaults.ts";
import { checkFields, dropServerFields } from "./fields/mod.ts";
import type { ConfigMap, Pod, Secret } from "./kubernetes/mod.ts";
import { checkRules } from "./rules/mod.ts";
import { type Fault, nodeValue, quoted, type YamlNode } from "./source/mod.ts";
import {
  checkStructure,
  definitionNamed,
  kubernetesKinds,
  normalizeValue,
  suggestWord,
} from "./structure/mod.ts";

/** The objects that seedpod takes. */
export type ManifestObject = Pod | ConfigMap | Secret;

/** The apiVersion of each kind that seedpod takes. */
const KINDS: Record<string, string> = { Pod: "v1", ConfigMap: "v1", Secret: "v1" };
const LIST_FIELDS = ["apiVersion", "kind", "metadata", "items"];

function isListKind(kind: string): boolean {
  return kind === "List" || kind.endsWith("List") && Object.hasOwn(KINDS, kind.slice(0, -"List".length));
}

/** The text of a document's `field`, or what is wrong with it. */
function textField(root: YamlNode, field: "apiVersion" | "kind"): Fault | string {
  if (root.kind !== "mapping") {
    return { path: [], message: "a manifest is a mapping with apiVersion and kind" };
  }
  const value = root.entries.get(field)?.value;
  if (value?.kind === "scalar" && typeof value.value === "string" && value.value !== "") return value.value;
  const hint = field === "kind" ? "such as kind: Pod" : "such as apiVersion: v1";
  const suggestion = value ? undefined : suggestWord(field, root.entries.keys());
  if (suggestion !== undefined) {
    return {
      path: [suggestion],
      message: `unknown field ${quoted(suggestion)}`,
      hint: `did you mean "${field}"?`,
      atKey: true,
    };
  }
  const message = value ? `"${field}" must be a name` : `the field "${field}" is missing`;
  return { path: value ? [field] : [], message, hint };
}

function kindFault(kind: string, apiVersion: string): Fault {
  const known = kubernetesKinds();
  if (known.includes(`${apiVersion}/${kind}`)) {
    return {
      path: ["kind"],
      message: `${kind} is a kind of Kubernetes that seedpod does not support yet`,
      hint: `seedpod takes ${Object.keys(KINDS).join(", ")} and List`,
    };
  }
  const versions = known.filter((name) => name.endsWith(`/${kind}`)).map((name) =>
    name.slice(0, -kind.length - 1)
  );
  if (versions.length > 0) {
    const message = `${quoted(apiVersion)} has no kind ${kind}`;
    return { path: ["apiVersion"], message, hint: `${kind} is in ${versions.join(" and ")}` };
  }
  const words = [...Object.keys(KINDS), "List", ...known.map((name) => name.split("/").at(-1)!)];
  const suggestion = suggestWord(kind, words);
  const hint = suggestion === undefined ? undefined : `did you mean "${suggestion}"?`;
  return { path: ["kind"], message: `unknown kind ${quoted(kind)}`, hint };
}

/** The objects of a document: itself, or the items of a List; or what is wrong with the List. */
export function objectNodes(document: YamlNode): YamlNode[] | Fault {
  const kind = textField(document, "kind");
  if (typeof kind !== "string" || document.kind !== "mapping" || !isListKind(kind)) return [document];
  const apiVersion = textField(document, "apiVersion");
  if (typeof apiVersion !== "string") return apiVersion;
  if (apiVersion !== "v1") return kindFault(kind, apiVersion);
  const unknown = [...document.entries.keys()].find((key) => !LIST_FIELDS.includes(key));
  if (unknown !== undefined) {
    const suggestion = suggestWord(unknown, LIST_FIELDS);
    const hint = suggestion === undefined ? undefined : `did you mean "${suggestion}"?`;
    return { path: [unknown], message: `unknown field ${quoted(unknown)} in ${kind}`, hint, atKey: true };
  }
  const items = document.entries.get("items")?.value;
  if (!items || items.kind === "scalar" && items.value === null) return [];
  return items.kind === "sequence"
    ? items.items
    : { path: ["items"], message: `the items of a ${kind} are a list` };
}

/** Validates one object: answers it complete where it has no error, and all that is wrong with it. */
export function checkDocument(root: YamlNode): { object: ManifestObject | undefined; faults: Fault[] } {
  const names = [textField(root, "apiVersion"), textField(root, "kind")] as const;
  const [apiVersion, kind] = names;
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    const faults = names.filter((name): name is Fault => typeof name !== "string");
    return { object: undefined, faults: root.kind === "mapping" ? faults : faults.slice(0, 1) };
  }
  if (!Object.hasOwn(KINDS, kind) || KINDS[kind] !== apiVersion) {
    return { object: undefined, faults: [kindFault(kind, apiVersion)] };
  }
  const { value, faults: dropped } = dropServerFields(nodeValue(root) as Record<string, unknown>);
  const data = normalizeValue(value, definitionNamed(kind));
  const structure = checkStructure(kind, data);
  const faults = [...dropped, ...structure.faults, ...checkFields(kind, data)];
  // The rules read types that the structure promises; behind a wrong type they would only echo its fault.
  if (structure.repaired !== undefined) faults.push(...checkRules(structure.repaired as ManifestObject));
  const valid = faults.every((fault) => fault.severity === "warning");
  return { object: valid ? applyDefaults(data as ManifestObject) : undefined, faults };
}
