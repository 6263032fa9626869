/**
 * seedpod as a library: manifests read as data, and what to do for a pod decided as data. Nothing here touches the
 * machine; `seedpod` itself is runner/main.ts.
 *
 * ```ts
 * import { hasErrors, newPodState, parseManifests, planPod, renderDiagnostic } from "seedpod";
 *
 * const text = Deno.readTextFileSync("pod.yaml");
 * const { objects, diagnostics } = parseManifests([{ file: "pod.yaml", text }]);
 * for (const each of diagnostics) console.error(renderDiagnostic(each, { color: false }));
 * for (const { kind, object } of hasErrors(diagnostics) ? [] : objects) console.log(kind, object.metadata?.name);
 * ```
 *
 * @module
 */
export {
  aggregateRequests,
  type ConfigMap,
  type Container,
  cpuMillis,
  type Diagnostic,
  fieldAt,
  type FieldRow,
  fieldTable,
  formatQuantity,
  hasErrors,
  type LocatedObject,
  type ManifestFile,
  type NodePath,
  type ParsedManifests,
  parseManifests,
  parseQuantity,
  type Pod,
  type PodSpec,
  type PodStatus,
  quantityBytes,
  renderDiagnostic,
  type RenderOptions,
  type Secret,
} from "./schema/mod.ts";
export {
  type Action,
  type CompletePod,
  newPodState,
  planPod,
  podObject,
  type PodPlan,
  type PodState,
  qosClass,
  type StatusFacts,
} from "./runner/plan/mod.ts";
