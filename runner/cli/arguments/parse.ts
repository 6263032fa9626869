import { SeedpodError } from "../../base/mod.ts";
import { didYouMean } from "./did_you_mean.ts";
import { parseDurationMs } from "./duration.ts";
import { usageLine } from "./help.ts";
import type { CommandSpec, OptionSpec, Parsed } from "./table.ts";

type OptionValue = string | number | boolean;

/** Whether the arguments ask for help, before what follows `--`. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

const fail = (message: string, hint: string): never => {
  throw new SeedpodError(message, { fault: "user", hint });
};

const seeHelp = (command: CommandSpec): string => `See "seedpod ${command.name} --help"`;

function readInt(option: OptionSpec, raw: string): number {
  const number = Number(raw);
  if (!/^-?\d+$/.test(raw) || !Number.isSafeInteger(number)) {
    fail(`Cannot read --${option.name}: "${raw}" is not a whole number`, `Write it as --${option.name} 10`);
  }
  return number;
}

function readDuration(option: OptionSpec, raw: string): number {
  const ms = parseDurationMs(raw);
  if (ms !== undefined) return ms;
  const hint = /^\d+$/.test(raw) ? `Add a unit: --${option.name} ${raw}s` : "Write it as 30s, 5m or 1h30m";
  return fail(`Cannot read --${option.name}: "${raw}" is not a duration`, hint);
}

function readFlag(option: OptionSpec, raw: string | undefined): boolean {
  if (raw === undefined || raw === "true") return true;
  if (raw === "false") return false;
  return fail(`Cannot read --${option.name}: it is on or off, not "${raw}"`, `Write --${option.name} alone`);
}

function readValue(command: CommandSpec, option: OptionSpec, raw: string | undefined): OptionValue {
  if (option.type === "flag") return readFlag(option, raw);
  if (raw === undefined) return fail(`Cannot read --${option.name}: its value is missing`, seeHelp(command));
  if (option.type === "int") return readInt(option, raw);
  if (option.type === "duration") return readDuration(option, raw);
  if (option.choices && !option.choices.includes(raw)) {
    const all = `It is one of ${option.choices.join(", ")}`;
    fail(`Cannot read --${option.name}: "${raw}" is unknown`, didYouMean(raw, option.choices, all));
  }
  return raw;
}

function unknownOption(command: CommandSpec, rawName: string): never {
  const words = command.options.map(({ name }) => `--${name}`);
  return fail(
    `Cannot run "seedpod ${command.name}": option "${rawName}" is unknown`,
    didYouMean(rawName, [...words, "--help"], seeHelp(command)),
  );
}

/** `-n=x` means what `-n x` does; an option where a value should be means that the value was forgotten. */
function rawValue(
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
  option: OptionSpec,
) {
  const { value, inlineValue, rawName } = token;
  if (value === undefined) return undefined;
  if (inlineValue) return rawName.startsWith("--") || !value.startsWith("=") ? value : value.slice(1);
  const isForgotten = /^-\D/.test(value) && option.type !== "flag";
  return isForgotten ? undefined : value;
}

function checkPositionals(
  command: CommandSpec,
  positionals: readonly string[],
  rest: readonly string[],
): void {
  const required = command.arguments.filter(({ required }) => required);
  const usage = `Usage: ${usageLine(command)}`;
  const missing = required[positionals.length];
  if (missing) fail(`Cannot run "seedpod ${command.name}": ${missing.name} is missing`, usage);
  const unlimited = command.arguments.at(-1)?.repeat === true;
  if (!unlimited && positionals.length > command.arguments.length) {
    const extra = positionals[command.arguments.length];
    const hint = command.rest ? `Put -- before the command: ${usageLine(command)}` : usage;
    fail(`Cannot run "seedpod ${command.name}": "${extra}" is one argument too many`, hint);
  }
  if (command.rest && rest.length === 0) {
    fail(`Cannot run "seedpod ${command.name}": ${command.rest} is missing after --`, usage);
  }
  if (!command.rest && rest.length > 0) {
    fail(`Cannot run "seedpod ${command.name}": nothing can follow --`, usage);
  }
}

/**
 * Reads the arguments of a command by its row in the table. Throws a {@linkcode SeedpodError} that says what is wrong
 * and, where it can, what was probably meant.
 */
export async function parseArguments<C extends CommandSpec>(
  command: C,
  args: readonly string[],
): Promise<Parsed<C>> {
  const { parseArgs } = await import("node:util");
  const end = args.indexOf("--");
  const { tokens } = parseArgs({
    args: end < 0 ? [...args] : args.slice(0, end),
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(command.options.map(({ name, short, type }) => [name, {
      type: type === "flag" ? "boolean" as const : "string" as const,
      ...(short !== undefined && { short }),
    }])),
  });
  const options: Record<string, OptionValue> = {};
  for (const { name, type, default: fallback } of command.options) {
    if (type === "flag") options[name] = false;
    else if (fallback !== undefined) options[name] = fallback;
  }
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = command.options.find(({ name }) => name === token.name);
    if (!option) return unknownOption(command, token.rawName);
    options[option.name] = readValue(command, option, rawValue(token, option));
  }
  const rest = end < 0 ? [] : args.slice(end + 1);
  checkPositionals(command, positionals, rest);
  return { command: command.name, positionals, rest, options: options as Parsed<C>["options"] };
}
