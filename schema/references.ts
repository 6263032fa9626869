import type { ConfigMap, Pod, PodSpec, Secret } from "./kubernetes/mod.ts";
import { type Fault, MAX_FAULTS_PER_OBJECT, type NodePath, quoted } from "./source/mod.ts";
import { suggestWord } from "./structure/mod.ts";

/** The kinds that a pod can refer to. */
export type ReferableKind = "ConfigMap" | "Secret";

/** Finds what the files declare, for the check of references. */
export interface ReferenceLookup {
  /** The object, `"faulty"` where the files declare it with errors, or undefined. */
  find(kind: ReferableKind, namespace: string, name: string): ConfigMap | Secret | "faulty" | undefined;
  /** The names of `kind` in `namespace`. */
  names(kind: ReferableKind, namespace: string): string[];
}

/** One reference of a pod: to an object, or to one of its keys. */
interface Reference {
  kind: ReferableKind;
  name: string | undefined;
  path: NodePath;
  optional: boolean | undefined;
  keys: { key: string; path: NodePath }[];
}

function volumeReferences({ volumes = [] }: PodSpec): Reference[] {
  return volumes.flatMap(({ configMap, secret }, index): Reference[] => {
    const path = ["spec", "volumes", index, configMap ? "configMap" : "secret"];
    const source = configMap ?? secret;
    if (!source) return [];
    const keys = (source.items ?? []).map(({ key }, position) => ({
      key,
      path: [...path, "items", position, "key"],
    }));
    const { optional } = source;
    return configMap
      ? [{ kind: "ConfigMap", name: configMap.name, path: [...path, "name"], optional, keys }]
      : [{ kind: "Secret", name: secret?.secretName, path: [...path, "secretName"], optional, keys }];
  });
}

function environmentReferences(container: PodSpec["containers"][number], base: NodePath): Reference[] {
  const variables = (container.env ?? []).flatMap(({ valueFrom }, index): Reference[] => {
    const selector = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef;
    if (!selector) return [];
    const kind = valueFrom?.configMapKeyRef ? "ConfigMap" : "Secret";
    const path = [
      ...base,
      "env",
      index,
      "valueFrom",
      kind === "ConfigMap" ? "configMapKeyRef" : "secretKeyRef",
    ];
    const { name, key, optional } = selector;
    return [{ kind, name, path: [...path, "name"], optional, keys: [{ key, path: [...path, "key"] }] }];
  });
  const whole = (container.envFrom ?? []).flatMap(({ configMapRef, secretRef }, index): Reference[] => {
    const source = configMapRef ?? secretRef;
    if (!source) return [];
    const path = [...base, "envFrom", index, configMapRef ? "configMapRef" : "secretRef", "name"];
    const kind = configMapRef ? "ConfigMap" : "Secret";
    return [{ kind, name: source.name, path, optional: source.optional, keys: [] }];
  });
  return [...variables, ...whole];
}

function keysOf(object: ConfigMap | Secret): string[] {
  const second = object.kind === "ConfigMap" ? object.binaryData : object.stringData;
  return [...Object.keys(object.data ?? {}), ...Object.keys(second ?? {})];
}

function* checkReference(reference: Reference, namespace: string, lookup: ReferenceLookup): Generator<Fault> {
  const { kind, name = "", path, keys } = reference;
  if (reference.optional) return;
  const object = lookup.find(kind, namespace, name);
  if (object === "faulty") return;
  if (!object) {
    const suggestion = suggestWord(name, lookup.names(kind, namespace));
    const hint = suggestion === undefined
      ? `declare it in one of the files, in the namespace "${namespace}", or set optional: true`
      : `did you mean "${suggestion}"?`;
    yield { path, message: `no ${kind} ${quoted(name)} in the files given`, hint };
    return;
  }
  const known = keysOf(object);
  for (const { key, path: at } of keys) {
    if (known.includes(key)) continue;
    const suggestion = suggestWord(key, known);
    const hint = suggestion === undefined ? undefined : `did you mean "${suggestion}"?`;
    yield { path: at, message: `the ${kind} ${quoted(name)} has no key ${quoted(key)}`, hint };
  }
}

function* checkPodReferences(pod: Pod, spec: PodSpec, lookup: ReferenceLookup): Generator<Fault> {
  const containers = (["initContainers", "containers"] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap((container, index) => environmentReferences(container, ["spec", list, index]))
  );
  const namespace = pod.metadata?.namespace || "default";
  for (const reference of [...volumeReferences(spec), ...containers]) {
    yield* checkReference(reference, namespace, lookup);
  }
}

/** What a pod refers to and the files do not declare; as much as a person could read. */
export function checkReferences(pod: Pod, lookup: ReferenceLookup): Fault[] {
  return pod.spec ? checkPodReferences(pod, pod.spec, lookup).take(MAX_FAULTS_PER_OBJECT).toArray() : [];
}
