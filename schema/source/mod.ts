/** The text of manifests: YAML and JSON as kubectl reads them, with the place of every node, and diagnostics. */
export {
  type Diagnostic,
  type Position,
  quoted,
  type RelatedPosition,
  renderDiagnostic,
  type RenderOptions,
  type Severity,
} from "./diagnostic.ts";
export {
  MAX_DIAGNOSTICS_PER_FILE,
  MAX_DOCUMENTS_PER_FILE,
  MAX_FAULTS_PER_FILE,
  MAX_FAULTS_PER_OBJECT,
  MAX_FILE_BYTES,
  MAX_LIST_ITEMS,
} from "./limits.ts";
export {
  type Located,
  locateNode,
  type MappingNode,
  type NodePath,
  nodeValue,
  type YamlNode,
} from "./node.ts";
export { type ReadFile, readManifestFile } from "./read.ts";
export { type DiagnosticDetails, SourceText, type Span } from "./source_text.ts";
export { type Fault, faultDiagnostic, pathText, spanAt } from "./fault.ts";
