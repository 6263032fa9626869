import { messageOf, SeedpodError } from "../../base/mod.ts";

/** Causes shown below an error; more would only repeat. */
const MAX_CAUSES = 8;

/** How an error is to look. */
export interface ErrorOptions {
  readonly color: boolean;
  /** The stack of an error that is a fault of the program, to be reported. */
  readonly stack?: boolean;
}

const paint = (text: string, sgr: string, color: boolean): string =>
  color ? `\x1b[${sgr}m${text}\x1b[0m` : text;

function* causesOf(thrown: unknown): Generator<unknown> {
  let cause = thrown instanceof Error ? thrown.cause : undefined;
  for (let depth = 0; cause !== undefined && depth < MAX_CAUSES; depth++) {
    yield cause;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
}

/** Where it happened, without the message, which was said already. */
const framesOf = (error: Error): string[] =>
  (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));

/** `error: Cannot …`, what caused it, and what to do. */
export function renderError(thrown: unknown, { color, stack = false }: ErrorOptions): string {
  const lines = [`${paint("error:", "1;31", color)} ${messageOf(thrown)}`];
  let hint = thrown instanceof SeedpodError ? thrown.hint : undefined;
  for (const cause of causesOf(thrown)) {
    lines.push(`  ${paint("caused by:", "31", color)} ${messageOf(cause)}`);
    if (cause instanceof SeedpodError) hint ??= cause.hint;
  }
  if (hint !== undefined) lines.push(`  ${paint("hint:", "1;36", color)} ${hint}`);
  if (stack && !(thrown instanceof SeedpodError) && thrown instanceof Error) lines.push(...framesOf(thrown));
  return lines.join("\n") + "\n";
}
