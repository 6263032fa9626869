/** Data to text, pure: what the commands print. */
export { ageOf, humanDuration } from "./age.ts";
export { renderPodDescription } from "./describe_pod.ts";
export { type ErrorOptions, renderError } from "./error.ts";
export { type PrintedLine, renderLogLines } from "./log_lines.ts";
export { logPrefix, type LogPrefixOptions, logPrefixWidth } from "./log_prefix.ts";
export {
  type PlannedAction,
  type PlannedPod,
  type PlannedProgram,
  type PlanOptions,
  renderPlan,
} from "./plan.ts";
export { type PodRow, podRow } from "./pod_row.ts";
export { type PodTableOptions, renderPodNames, renderPods } from "./pods.ts";
export { podList, renderJson, renderYaml } from "./serialize.ts";
