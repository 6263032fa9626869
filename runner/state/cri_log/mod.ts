/** The logs of containers, in the format of the Container Runtime Interface, read back. */
export type { LogLine } from "./decode_lines.ts";
export type { LogStreamName } from "./header.ts";
export { logAttempts } from "./log_files.ts";
export { type MergedLine, mergeLogs } from "./merge_logs.ts";
export { type FollowOptions, type LogOptions, readLog, readLogLines } from "./read_log.ts";
