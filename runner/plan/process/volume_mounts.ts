import type { Container, VolumeMount } from "../../../schema/kubernetes/mod.ts";
import { MAX_ARGUMENT_BYTES } from "../../base/mod.ts";
import type { Environment } from "./env.ts";
import { expandVariables } from "./expansion.ts";
import { Problems } from "./problems.ts";

/**
 * A container's volume mounts with each subPathExpr made a subPath.
 * https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath-expanded-environment
 *
 * @param env The variables of the manifest.
 * @throws {SeedpodError} where a variable is missing or empty, or the path leads out of the volume.
 */
export function expandVolumeMounts(container: Container, env: Environment): VolumeMount[] {
  const problems = new Problems(container.name);
  const mounts = resolveVolumeMounts(container, env, problems);
  problems.throwAny();
  return mounts;
}

/** As {@linkcode expandVolumeMounts}; what is wrong is told to `problems`. */
export function resolveVolumeMounts(
  container: Container,
  env: Environment,
  problems: Problems,
): VolumeMount[] {
  return (container.volumeMounts ?? []).map((mount, index) => {
    const { subPathExpr, ...rest } = mount;
    if (!subPathExpr) return mount;
    return {
      ...rest,
      subPath: expandSubPath(subPathExpr, env, `volumeMounts[${index}].subPathExpr`, problems),
    };
  });
}

function expandSubPath(expression: string, env: Environment, field: string, problems: Problems): string {
  const missing = new Set<string>();
  const lookup = (name: string): string => {
    const value = env.get(name) ?? "";
    if (value === "") missing.add(name);
    return value;
  };
  const path = expandVariables(expression, lookup, MAX_ARGUMENT_BYTES);
  if (missing.size > 0) {
    problems.add(field, `there is no value for ${[...missing].map((name) => `"${name}"`).join(", ")}`);
  } else if (problems.addTextFault(field, path)) return "";
  else if (path!.startsWith("/")) problems.add(field, `"${path}" is not relative to the volume`);
  else if (path!.split("/").includes("..")) problems.add(field, `"${path}" leads out of the volume`);
  return path ?? "";
}
