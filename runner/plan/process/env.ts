import {
  type EnvFromSource,
  envNameFault,
  type EnvVar,
  type EnvVarSource,
} from "../../../schema/kubernetes/mod.ts";
import { MAX_ARGUMENT_BYTES, MAX_EXECVE_BYTES } from "../../base/mod.ts";
import { DEFAULT_PATH, podHostname } from "../start/mod.ts";
import { configValue, configValues } from "./config_values.ts";
import { expandVariables } from "./expansion.ts";
import { podFieldValue, resourceFieldValue } from "./pod_fields.ts";
import type { Problems } from "./problems.ts";
import type { ProcessInput } from "./process_input.ts";

/** Variables by name. */
export type Environment = ReadonlyMap<string, string>;

/**
 * The variables that the manifest gives a container: `envFrom` in its order, then `env` in its order, the later one of a
 * name wins. It is what `$(NAME)` in command, args and subPathExpr stands for.
 */
export function manifestEnvironment(input: ProcessInput, problems: Problems): Environment {
  const variables = new Map<string, string>();
  for (const [index, source] of (input.container.envFrom ?? []).entries()) {
    addEnvFrom(variables, input, source, `envFrom[${index}]`, problems);
  }
  let length = 0;
  for (const variable of input.container.env ?? []) {
    const value = valueOf(variables, input, variable, problems);
    if (value === undefined) continue;
    length += value.length - (variables.get(variable.name)?.length ?? 0);
    variables.set(variable.name, value);
    if (length > MAX_EXECVE_BYTES) {
      problems.add("env", `it is longer than ${MAX_EXECVE_BYTES} bytes, the most that Linux gives a process`);
      break;
    }
  }
  return variables;
}

function addEnvFrom(
  variables: Map<string, string>,
  input: ProcessInput,
  source: EnvFromSource,
  field: string,
  problems: Problems,
): void {
  const { prefix = "", configMapRef, secretRef } = source;
  const kind = configMapRef ? "ConfigMap" : "Secret";
  const { name = "", optional = false } = configMapRef ?? secretRef ?? {};
  const values = configValues(input, { kind, name, optional }, field, problems);
  for (const key of values?.keys() ?? []) {
    const variable = prefix + key;
    const value = values!.value(key, field);
    // Kubernetes passes over a key that is no variable's name
    if (value !== undefined && envNameFault(variable) === undefined) variables.set(variable, value);
  }
}

/** The value of one variable; undefined when it stays unset. */
function valueOf(
  variables: Environment,
  input: ProcessInput,
  variable: EnvVar,
  problems: Problems,
): string | undefined {
  const field = `env "${variable.name}"`;
  if (variable.valueFrom) return sourceValue(input, variable.valueFrom, field, problems);
  const value = expandVariables(variable.value ?? "", (name) => variables.get(name), MAX_ARGUMENT_BYTES);
  if (value === undefined) problems.addTextFault(field, value);
  return value;
}

function sourceValue(
  input: ProcessInput,
  source: EnvVarSource,
  field: string,
  problems: Problems,
): string | undefined {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = source;
  const keyRef = configMapKeyRef ?? secretKeyRef;
  if (keyRef) {
    const { name = "", key, optional = false } = keyRef;
    const kind = configMapKeyRef ? "ConfigMap" : "Secret";
    return configValue(input, { kind, name, key, optional }, field, problems);
  }
  const asked = fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? Object.keys(source).join(", ");
  const value = fieldRef
    ? podFieldValue(input, fieldRef.fieldPath)
    : resourceFieldRef && resourceFieldValue(input, resourceFieldRef);
  if (value === undefined) problems.add(field, `"${asked}" is nothing that a variable can show`);
  return value;
}

/**
 * All variables of a container's process: HOSTNAME, TERM and PATH by default, the image's, the manifest's, in this order
 * of growing weight; and HOME from the rootfs where none of them sets it.
 */
export function processEnvironment(
  input: ProcessInput,
  manifest: Environment,
  home: string,
): [name: string, value: string][] {
  const { container, context, imageConfig } = input;
  const variables = new Map([["PATH", DEFAULT_PATH], ["HOSTNAME", shownHostname(context)]]);
  if (container.tty) variables.set("TERM", "xterm");
  for (const line of imageConfig.env) {
    const equals = line.indexOf("=");
    if (equals > 0) variables.set(line.slice(0, equals), line.slice(equals + 1));
  }
  for (const [name, value] of manifest) variables.set(name, value);
  if (!variables.has("HOME")) variables.set("HOME", home);
  return [...variables];
}

/** What `hostname(1)` says in the pod. */
function shownHostname({ pod, facts }: ProcessInput["context"]): string {
  if (pod.spec.hostNetwork) return facts.hostname;
  const { hostname, fqdn } = podHostname(pod);
  return pod.spec.setHostnameAsFQDN && fqdn ? fqdn : hostname;
}
