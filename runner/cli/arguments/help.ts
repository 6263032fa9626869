import type { ArgumentSpec, CommandSpec, OptionSpec } from "./table.ts";

const argumentText = ({ name, required, repeat }: ArgumentSpec): string =>
  (required ? name : `[${name}]`) + (repeat ? "…" : "");

/** How a command is written, such as `seedpod exec POD [options] -- CMD…`. */
export function usageLine(command: CommandSpec): string {
  const words = ["seedpod", command.name, ...command.arguments.map(argumentText)];
  if (command.options.length > 0) words.push("[options]");
  if (command.rest) words.push("--", `${command.rest}…`);
  return words.join(" ");
}

function optionWords({ name, short, type, value }: OptionSpec): string {
  const label = value ?? (type === "int" ? "N" : type === "duration" ? "D" : "VALUE");
  return `${short ? `-${short}, ` : "    "}--${name}${type === "flag" ? "" : ` ${label}`}`;
}

function optionText({ summary, type, choices, default: fallback }: OptionSpec): string {
  const notes = [
    ...(choices ? [`one of ${choices.join(", ")}`] : []),
    ...(fallback !== undefined
      ? [`default ${typeof fallback === "number" && type === "duration" ? `${fallback / 1000}s` : fallback}`]
      : []),
  ];
  return notes.length > 0 ? `${summary} (${notes.join("; ")})` : summary;
}

/** Breaks a text at spaces. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

/** Two columns, the second one wrapped. */
function twoColumns(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const left = Math.max(0, ...rows.map(([head]) => head.length)) + 4;
  return rows.flatMap(([head, text]) =>
    wrap(text, Math.max(24, columns - left)).map((line, index) =>
      (index === 0 ? `  ${head}`.padEnd(left) : " ".repeat(left)) + line
    )
  );
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ["", title, ...lines];

/** The help of one command, for a screen of so many columns. */
export function renderCommandHelp(command: CommandSpec, columns: number): string {
  const help: OptionSpec = { name: "help", short: "h", type: "flag", summary: "Show this help" };
  return [
    ...wrap(`${command.summary}.`, columns),
    ...(command.details ?? "").split("\n\n").filter(Boolean).flatMap((text) => ["", ...wrap(text, columns)]),
    "",
    `Usage: ${usageLine(command)}`,
    ...section(
      "Arguments:",
      twoColumns(command.arguments.map(({ name, summary }) => [name, summary]), columns),
    ),
    ...section(
      "Options:",
      twoColumns(
        [...command.options, help].map((option) => [optionWords(option), optionText(option)]),
        columns,
      ),
    ),
    ...section("Examples:", command.examples.flatMap(({ command, does }) => [`  # ${does}`, `  ${command}`])),
  ].join("\n") + "\n";
}

/** The help of the whole program. */
export function renderProgramHelp(commands: readonly CommandSpec[], columns: number): string {
  return [
    ...wrap("seedpod runs Kubernetes Pods on this machine, from YAML, without Kubernetes.", columns),
    "",
    "Usage: seedpod COMMAND [arguments]",
    ...section("Commands:", twoColumns(commands.map(({ name, summary }) => [name, summary]), columns)),
    ...section(
      "Environment:",
      twoColumns([
        ["SEEDPOD_ROOT", "Directory that holds all state, so that several instances can live side by side"],
        ["NO_COLOR", "Set to anything: no colours"],
      ], columns),
    ),
    ...section(
      "Exit status:",
      twoColumns([["0", "success"], ["1", "the user's error"], ["2", "seedpod's own"]], columns),
    ),
    "",
    'See "seedpod COMMAND --help" for one command.',
  ].join("\n") + "\n";
}
