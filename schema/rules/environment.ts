import {
  configKeyFault,
  type Container,
  dnsSubdomainFault,
  type EnvFromSource,
  envNameFault,
  type EnvVar,
  type EnvVarSource,
  parseQuantity,
  type PodSpec,
  qualifiedNameFault,
  type ResourceFieldSelector,
} from "../kubernetes/mod.ts";
import { type Fault, type NodePath, quoted } from "../source/mod.ts";
import { suggestWord } from "../structure/mod.ts";

/** The fields of a pod that a variable may show. */
const FIELD_PATHS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
const SUBSCRIPT = /^metadata\.(?:labels|annotations)\['([^']+)'\]$/;
const RESOURCES = /^(?:limits|requests)\.(?:cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMGTPE]?i?)$/;
const CPU_DIVISORS = ["1m", "1"];
const SIZE_DIVISORS = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/** The name of a ConfigMap or Secret that something refers to. */
export function* checkReferenceName(
  name: string | undefined,
  kind: string,
  path: NodePath,
): Generator<Fault> {
  if (name === undefined || name === "") {
    yield { path, message: `the name of the ${kind} is missing` };
    return;
  }
  const fault = dnsSubdomainFault(name);
  if (fault) yield { path, message: `the name ${quoted(name)} ${fault}` };
}

function* checkFieldPath(fieldPath: string, path: NodePath): Generator<Fault> {
  if (FIELD_PATHS.includes(fieldPath)) return;
  const key = SUBSCRIPT.exec(fieldPath)?.[1];
  if (key !== undefined) {
    const fault = qualifiedNameFault(key);
    if (fault) yield { path, message: `the key ${quoted(key)} ${fault}` };
    return;
  }
  const known = [...FIELD_PATHS, "metadata.labels['KEY']", "metadata.annotations['KEY']"];
  const suggestion = suggestWord(fieldPath, known);
  const hint = suggestion === undefined
    ? `it is one of ${known.join(", ")}`
    : `did you mean "${suggestion}"?`;
  yield { path, message: `${quoted(fieldPath)} is not a field that a variable can show`, hint };
}

function* checkResourceField(
  selector: ResourceFieldSelector,
  spec: PodSpec,
  path: NodePath,
): Generator<Fault> {
  const { resource, divisor, containerName } = selector;
  if (!RESOURCES.test(resource)) {
    const hint = "such as limits.memory or requests.cpu";
    yield {
      path: [...path, "resource"],
      message: `${quoted(resource)} is not a resource that a variable can show`,
      hint,
    };
  } else if (divisor !== undefined && divisor !== "0") {
    const options = resource.endsWith(".cpu") ? CPU_DIVISORS : SIZE_DIVISORS;
    if (!parseQuantity(divisor) || !options.includes(divisor)) {
      yield {
        path: [...path, "divisor"],
        message: `${quoted(divisor)} is not a divisor of ${resource}: ${options.join(", ")}`,
      };
    }
  }
  const names = [...spec.initContainers ?? [], ...spec.containers].map(({ name }) => name);
  if (containerName && !names.includes(containerName)) {
    const suggestion = suggestWord(containerName, names);
    const hint = suggestion === undefined ? undefined : `did you mean "${suggestion}"?`;
    yield {
      path: [...path, "containerName"],
      message: `the pod has no container ${quoted(containerName)}`,
      hint,
    };
  }
}

function* checkKey(key: string, path: NodePath): Generator<Fault> {
  const fault = configKeyFault(key);
  if (fault) yield { path, message: `the key ${quoted(key)} ${fault}` };
}

function* checkValueFrom(source: EnvVarSource, spec: PodSpec, path: NodePath): Generator<Fault> {
  const given = Object.keys(source);
  if (given.length !== 1) {
    const what = given.length === 0 ? "none is given" : `${given.join(" and ")} are given`;
    yield { path, message: `valueFrom takes exactly one source: ${what}` };
    return;
  }
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = source;
  if (configMapKeyRef) {
    yield* checkReferenceName(configMapKeyRef.name, "ConfigMap", [...path, "configMapKeyRef", "name"]);
    yield* checkKey(configMapKeyRef.key, [...path, "configMapKeyRef", "key"]);
  }
  if (secretKeyRef) {
    yield* checkReferenceName(secretKeyRef.name, "Secret", [...path, "secretKeyRef", "name"]);
    yield* checkKey(secretKeyRef.key, [...path, "secretKeyRef", "key"]);
  }
  if (fieldRef) {
    yield* checkFieldPath(fieldRef.fieldPath, [...path, "fieldRef", "fieldPath"]);
    if ((fieldRef.apiVersion ?? "v1") !== "v1") {
      yield {
        path: [...path, "fieldRef", "apiVersion"],
        message: `${quoted(fieldRef.apiVersion!)} is not v1`,
      };
    }
  }
  if (resourceFieldRef) yield* checkResourceField(resourceFieldRef, spec, [...path, "resourceFieldRef"]);
}

function* checkVariable(variable: EnvVar, spec: PodSpec, path: NodePath): Generator<Fault> {
  const { name, value = "", valueFrom } = variable;
  const fault = envNameFault(name);
  if (fault) yield { path: [...path, "name"], message: `the variable name ${quoted(name)} ${fault}` };
  if (valueFrom && value !== "") {
    const related = { path: [...path, "value"], message: "the value" };
    yield {
      path: [...path, "valueFrom"],
      message: "a variable has a value or a valueFrom, not both",
      atKey: true,
      related,
    };
  } else if (valueFrom) yield* checkValueFrom(valueFrom, spec, [...path, "valueFrom"]);
  yield* checkNoNul(value, [...path, "value"]);
}

/** Text that reaches the kernel ends at its first NUL, so none may be in it. */
export function* checkNoNul(text: string | undefined, path: NodePath): Generator<Fault> {
  if (text?.includes("\0")) {
    yield { path, message: "the text holds a NUL character, which no program can be given" };
  }
}

function* checkEnvFrom(source: EnvFromSource, path: NodePath): Generator<Fault> {
  const { prefix = "", configMapRef, secretRef } = source;
  const fault = prefix === "" ? undefined : envNameFault(prefix);
  if (fault) yield { path: [...path, "prefix"], message: `the prefix ${quoted(prefix)} ${fault}` };
  if ((configMapRef === undefined) === (secretRef === undefined)) {
    yield { path, message: "envFrom takes exactly one of configMapRef and secretRef" };
  } else if (configMapRef) {
    yield* checkReferenceName(configMapRef.name, "ConfigMap", [...path, "configMapRef", "name"]);
  } else yield* checkReferenceName(secretRef?.name, "Secret", [...path, "secretRef", "name"]);
}

/** The environment variables of a container. */
export function* checkEnvironment(spec: PodSpec, container: Container, path: NodePath): Generator<Fault> {
  for (const [index, variable] of (container.env ?? []).entries()) {
    yield* checkVariable(variable, spec, [...path, "env", index]);
  }
  for (const [index, source] of (container.envFrom ?? []).entries()) {
    yield* checkEnvFrom(source, [...path, "envFrom", index]);
  }
}
