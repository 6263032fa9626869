/** The manifest language: text becomes complete, typed Kubernetes objects, or diagnostics with line and column. Pure. */
export {
  hasErrors,
  type LocatedObject,
  type ManifestFile,
  type ParsedManifests,
  parseManifests,
} from "./manifest.ts";
export type { ManifestObject } from "./document.ts";
export { applyDefaults, DEFAULT_FILE_MODE, DEFAULT_GRACE_SECONDS, DEFAULT_NAMESPACE } from "./defaults.ts";
export {
  type Diagnostic,
  MAX_FILE_BYTES,
  type NodePath,
  type Position,
  type RelatedPosition,
  renderDiagnostic,
  type RenderOptions,
  type Severity,
} from "./source/mod.ts";
export { fieldAt, type FieldRow, fieldTable, type Landing, type Support } from "./fields/mod.ts";
export * from "./kubernetes/mod.ts";
export { type CgroupAnnotation, cgroupAnnotations } from "./rules/mod.ts";
