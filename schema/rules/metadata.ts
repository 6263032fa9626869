import {
  dnsLabelFault,
  dnsSubdomainFault,
  labelValueFault,
  type ObjectMeta,
  qualifiedNameFault,
} from "../kubernetes/mod.ts";
import { type Fault, quoted } from "../source/mod.ts";

/** etcd and Kubernetes refuse more text in the annotations of one object. */
const MAX_ANNOTATIONS_BYTES = 256 * 1024;

/** The object's own name, namespace, labels and annotations. */
export function* checkMetadata(metadata: ObjectMeta | undefined): Generator<Fault> {
  const path = ["metadata"];
  const name = metadata?.name ?? "";
  if (name === "") {
    const hint = metadata?.generateName === undefined
      ? undefined
      : "generateName names the pods of a template only";
    yield {
      path: metadata?.name === undefined ? path : [...path, "name"],
      message: 'the field "metadata.name" is missing',
      hint,
    };
  } else {
    const fault = dnsSubdomainFault(name);
    if (fault) {
      yield { path: [...path, "name"], message: `the name ${quoted(name)} ${fault}`, hint: nameHint(name) };
    }
  }
  const namespace = metadata?.namespace ?? "";
  const namespaceFault = namespace === "" ? undefined : dnsLabelFault(namespace);
  if (namespaceFault) {
    yield { path: [...path, "namespace"], message: `the namespace ${quoted(namespace)} ${namespaceFault}` };
  }
  for (const [key, value] of Object.entries(metadata?.labels ?? {})) {
    const at = [...path, "labels", key];
    const keyFault = qualifiedNameFault(key);
    if (keyFault) yield { path: at, message: `the label key ${quoted(key)} ${keyFault}`, atKey: true };
    const valueFault = labelValueFault(value);
    if (valueFault) yield { path: at, message: `the label value ${quoted(value)} ${valueFault}` };
  }
  yield* checkAnnotations(metadata?.annotations ?? {});
}

/** A name that would be right, when only its case and separators are wrong. */
export function nameHint(name: string): string | undefined {
  const fixed = name.toLowerCase().replaceAll(/[_ ]/g, "-");
  return fixed !== name && dnsSubdomainFault(fixed) === undefined ? `did you mean "${fixed}"?` : undefined;
}

function* checkAnnotations(annotations: Record<string, string>): Generator<Fault> {
  const path = ["metadata", "annotations"];
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    size += key.length + value.length;
    const fault = qualifiedNameFault(key);
    if (fault) {
      yield { path: [...path, key], message: `the annotation key ${quoted(key)} ${fault}`, atKey: true };
    }
  }
  if (size > MAX_ANNOTATIONS_BYTES) {
    yield {
      path,
      message: `the annotations have ${size} bytes, at most ${MAX_ANNOTATIONS_BYTES} are allowed`,
    };
  }
}
