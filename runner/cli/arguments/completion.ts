import type { ArgumentSpec, CommandSpec, Completes, OptionSpec } from "./table.ts";

/** A shell that completion scripts are written for. */
export type Shell = "bash" | "zsh" | "fish";

/** Asks seedpod itself for the pods there are; silent when it cannot. */
const PODS = "seedpod get pods -o name 2>/dev/null | sed 's,^pod/,,'";

const optionNames = (options: readonly OptionSpec[]): string[] => [
  ...options.flatMap(({ name, short }) => short ? [`-${short}`, `--${name}`] : [`--${name}`]),
  "--help",
];

/** What each position of a command takes; the last entry also stands for all that come after when it repeats. */
const positions = (spec: CommandSpec): { argument: ArgumentSpec; at: string }[] =>
  spec.arguments.map((argument, index) => ({ argument, at: argument.repeat ? "*" : String(index) }));

/** One line in single quotes for a POSIX shell and zsh. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function bashWords(completes: Completes | undefined, commands: readonly CommandSpec[]): string {
  if (completes === "file") return 'COMPREPLY=($(compgen -f -- "$word"))';
  if (completes === "pod") return `COMPREPLY=($(compgen -W "$(${PODS})" -- "$word"))`;
  const words = completes === "command" ? commands.map(({ name }) => name) : completes ?? [];
  return `COMPREPLY=($(compgen -W ${quoted(words.join(" "))} -- "$word"))`;
}

function bashCommand(spec: CommandSpec, commands: readonly CommandSpec[]): string[] {
  const valued = spec.options.filter(({ type }) => type !== "flag");
  const pattern = ({ name, short }: OptionSpec): string => short ? `-${short}|--${name}` : `--${name}`;
  return [
    `    ${spec.name})`,
    `      valued=${
      quoted(
        valued.flatMap(({ name, short }) => short ? [`-${short}`, `--${name}`] : [`--${name}`]).join(" "),
      )
    }`,
    '      case "$previous" in',
    ...valued.map((option) =>
      `        ${pattern(option)}) ${bashWords(option.choices ?? [], commands)}; return ;;`
    ),
    "      esac",
    '      if [[ "$word" == -* ]]; then',
    `        COMPREPLY=($(compgen -W ${quoted(optionNames(spec.options).join(" "))} -- "$word")); return`,
    "      fi",
    "      _seedpod_position",
    '      case "$position" in',
    ...positions(spec).map(({ argument, at }) =>
      `        ${at}) ${bashWords(argument.completes, commands)} ;;`
    ),
    "      esac ;;",
  ];
}

function bash(commands: readonly CommandSpec[]): string[] {
  return [
    "# bash completion for seedpod: source <(seedpod completion bash)",
    "_seedpod_position() {",
    "  local index",
    "  position=0",
    "  for ((index = 2; index < COMP_CWORD; index++)); do",
    '    if [[ " $valued " == *" ${COMP_WORDS[index]} "* ]]; then ((index++)); continue; fi',
    '    [[ "${COMP_WORDS[index]}" == -?* ]] || ((position++))',
    "  done",
    "}",
    "_seedpod() {",
    '  local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" valued="" position',
    "  if ((COMP_CWORD == 1)); then",
    `    ${bashWords("command", commands)}; return`,
    "  fi",
    '  case "${COMP_WORDS[1]}" in',
    ...commands.flatMap((spec) => bashCommand(spec, commands)),
    "  esac",
    "}",
    "complete -o filenames -F _seedpod seedpod",
  ];
}

function zshAction(completes: Completes | undefined): string {
  if (completes === "file") return "_files";
  if (completes === "pod") return "_seedpod_pods";
  if (completes === "command") return "_seedpod_commands";
  return completes ? `(${completes.join(" ")})` : " ";
}

/** Text inside a zsh `_arguments` specification. */
const zshText = (text: string): string => text.replace(/[\[\]:\\]/g, "\\$&");

function zshOption({ name, short, type, summary, choices, value }: OptionSpec): string {
  const tail = `[${zshText(summary)}]` + (type === "flag" ? "" : `:${value ?? name}:${zshAction(choices)}`);
  const long = `--${name}${type === "flag" ? "" : "="}`;
  if (!short) return quoted(`${long}${tail}`);
  return `${quoted(`(-${short} --${name})`)}{-${short},${long}}${quoted(tail)}`;
}

function zshCommand(spec: CommandSpec): string[] {
  const specs = [
    ...spec.options.map(zshOption),
    quoted("(-h --help)--help[Show this help]"),
    ...spec.arguments.map(({ name, repeat, completes }, index) =>
      quoted(`${repeat ? "*" : index + 1}:${name}:${zshAction(completes)}`)
    ),
  ];
  return [`    ${spec.name})`, "      _arguments -s \\", `        ${specs.join(" \\\n        ")} ;;`];
}

function zsh(commands: readonly CommandSpec[]): string[] {
  return [
    "#compdef seedpod",
    "# zsh completion for seedpod: source <(seedpod completion zsh)",
    "_seedpod_commands() {",
    "  local -a commands=(",
    ...commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`),
    "  )",
    "  _describe command commands",
    "}",
    "_seedpod_pods() {",
    `  local -a pods=(\${(f)"$(${PODS})"})`,
    "  compadd -a pods",
    "}",
    "_seedpod() {",
    "  if ((CURRENT == 2)); then",
    "    _seedpod_commands",
    "    return",
    "  fi",
    "  shift words",
    "  ((CURRENT--))",
    '  case "${words[1]}" in',
    ...commands.flatMap(zshCommand),
    "  esac",
    "}",
    "compdef _seedpod seedpod",
  ];
}

function fishWords(completes: Completes | undefined, commands: readonly CommandSpec[]): string {
  if (completes === "pod") return ` -a "(${PODS})"`;
  if (completes === "command") return ` -a ${quoted(commands.map(({ name }) => name).join(" "))}`;
  return typeof completes === "object" ? ` -a ${quoted(completes.join(" "))}` : "";
}

function fishCommand(spec: CommandSpec, commands: readonly CommandSpec[]): string[] {
  const head = `complete -c seedpod -n "__fish_seen_subcommand_from ${spec.name}"`;
  return [
    ...spec.options.map(({ name, short, type, summary, choices }) =>
      `${head} -l ${name}${short ? ` -s ${short}` : ""}${type === "flag" ? "" : " -x"}${
        fishWords(choices, commands)
      }` +
      ` -d ${quoted(summary)}`
    ),
    ...spec.arguments.map(({ completes }) =>
      completes === "file" ? `${head} -F` : `${head}${fishWords(completes, commands)}`
    ),
  ];
}

function fish(commands: readonly CommandSpec[]): string[] {
  return [
    "# fish completion for seedpod: seedpod completion fish | source",
    "complete -c seedpod -f",
    "complete -c seedpod -l help -s h -d 'Show this help'",
    ...commands.map(({ name, summary }) =>
      `complete -c seedpod -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`
    ),
    ...commands.flatMap((spec) => fishCommand(spec, commands)),
  ];
}

/** The completion script of a shell, made from the table of commands. */
export function renderCompletion(shell: Shell, commands: readonly CommandSpec[]): string {
  const lines = { bash, zsh, fish }[shell](commands);
  return lines.join("\n") + "\n";
}
