/** What seedpod does with each field of Kubernetes' objects: one table, and the checks that read it. */
export { checkFields } from "./check.ts";
export type { Landing, Support } from "./row.ts";
export { dropServerFields } from "./server_fields.ts";
export { fieldAt, type FieldRow, fieldTable } from "./table.ts";
