/** The bounds of reading manifests, with their unit in the name and their reason beside them. */

/** A larger file is refused unread: etcd refuses objects above 1.5 MiB, and a file may hold several. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Nesting of mappings and sequences; Kubernetes' deepest object needs about 20. */
export const MAX_NESTING = 64;
/** Nodes of one file with every alias written out: a pod of 100 containers has about 5,000. */
export const MAX_NODES_PER_FILE = 200_000;
/** Objects in one file, those inside a List included. */
export const MAX_DOCUMENTS_PER_FILE = 1000;
/** Diagnostics kept for one file; the rest is counted in one more. */
export const MAX_DIAGNOSTICS_PER_FILE = 50;
/** Items of one list of an object: no pod needs more arguments or variables. */
export const MAX_LIST_ITEMS = 5000;
/** Faults looked for in one object: more than are kept, and few enough that finding suggestions costs little. */
export const MAX_FAULTS_PER_OBJECT = 200;
/** Faults after which the rest of a file is not checked. */
export const MAX_FAULTS_PER_FILE = 1000;
/** Characters of a source line that a diagnostic carries around its column: more than are shown. */
export const MAX_CARRIED_CHARACTERS = 400;
/** Columns of a source line that a diagnostic shows around its caret. */
export const MAX_SHOWN_COLUMNS = 100;
/** Characters of a user's value that a message quotes. */
export const MAX_QUOTED_CHARACTERS = 60;
