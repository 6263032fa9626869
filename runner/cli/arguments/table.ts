/** What the value of an option is: a flag has none; a duration is written as `1h30m` and read as milliseconds. */
export type OptionType = "flag" | "text" | "int" | "duration";

/** One option of a command. */
export interface OptionSpec {
  /** Without dashes, such as `all-containers`. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  readonly type: OptionType;
  /** How the help calls the value, such as `NAMESPACE`. */
  readonly value?: string;
  /** The only values there are. */
  readonly choices?: readonly string[];
  /** The value when it is left out. */
  readonly default?: string | number;
  readonly summary: string;
}

/** What a shell offers for a positional argument: files, the pods there are, the commands, or these words. */
export type Completes = "file" | "pod" | "command" | readonly string[];

/** One positional argument. */
export interface ArgumentSpec {
  /** In capitals, such as `FILE`. */
  readonly name: string;
  readonly required: boolean;
  /** May be given more than once; only the last argument can be. */
  readonly repeat?: boolean;
  readonly completes?: Completes;
  readonly summary: string;
}

/** A line that shows how a command is used. */
export interface Example {
  readonly command: string;
  readonly does: string;
}

/** One command: parsing, help, completion and manual follow from this and nothing else. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** What the help says besides the summary, in paragraphs. */
  readonly details?: string;
  readonly arguments: readonly ArgumentSpec[];
  /** The name of what follows `--`, such as `CMD`; without one nothing may. */
  readonly rest?: string;
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
}

type ValueOf<O extends OptionSpec> = O extends { type: "flag" } ? boolean
  : O extends { type: "int" | "duration" } ? (O extends { default: number } ? number : number | undefined)
  : O extends { choices: readonly (infer V)[] } ? V | undefined
  : O extends { default: string } ? string
  : string | undefined;

/** The arguments of a command, read: typed by the command's row in the table. */
export interface Parsed<C extends CommandSpec = CommandSpec> {
  readonly command: C["name"];
  /** The positional arguments, as many as the table allows. */
  readonly positionals: readonly string[];
  /** What followed `--`. */
  readonly rest: readonly string[];
  /** By name: flags are booleans, durations milliseconds. */
  readonly options: { readonly [O in C["options"][number] as O["name"]]: ValueOf<O> };
}
