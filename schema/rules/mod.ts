/** Kubernetes' rules for objects whose fields have the right types. */
import type { ConfigMap, Pod, Secret } from "../kubernetes/mod.ts";
import { type Fault, MAX_FAULTS_PER_OBJECT } from "../source/mod.ts";
import { checkConfigMap, checkSecret } from "./config.ts";
import { checkMetadata } from "./metadata.ts";
import { checkPod } from "./pod.ts";

export { type CgroupAnnotation, cgroupAnnotations } from "./annotations.ts";

function* check(object: Pod | ConfigMap | Secret): Generator<Fault> {
  yield* checkMetadata(object.metadata);
  switch (object.kind) {
    case "Pod":
      return yield* checkPod(object);
    case "ConfigMap":
      return yield* checkConfigMap(object);
    case "Secret":
      return yield* checkSecret(object);
  }
}

/** The faults of `object`, which has passed the check of its structure; as many as a person could read. */
export function checkRules(object: Pod | ConfigMap | Secret): Fault[] {
  return check(object).take(MAX_FAULTS_PER_OBJECT).toArray();
}
