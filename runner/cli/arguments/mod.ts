/** The grammar of the command line: a table of commands gives parsing, help and completion. */
export { renderCompletion, type Shell } from "./completion.ts";
export { didYouMean } from "./did_you_mean.ts";
export { parseDurationMs } from "./duration.ts";
export { allContainers, chooseContainer, findPod, namespaceOf, resourceNames } from "./find_pod.ts";
export { renderCommandHelp, renderProgramHelp, usageLine } from "./help.ts";
export { asksForHelp, parseArguments } from "./parse.ts";
export type {
  ArgumentSpec,
  CommandSpec,
  Completes,
  Example,
  OptionSpec,
  OptionType,
  Parsed,
} from "./table.ts";
