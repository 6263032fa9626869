/** The shape of Kubernetes' objects: known kinds, fields and types, checked by code that ajv compiled ahead of time. */
export {
  childSchema,
  definitionNamed,
  kubernetesKinds,
  resolveSchema,
  type SchemaNode,
} from "./definitions.ts";
export { checkStructure, normalizeValue } from "./structure.ts";
export { suggestWord } from "./suggest.ts";
