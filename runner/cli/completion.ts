import { SeedpodError } from "../base/mod.ts";
import { didYouMean, renderCompletion, type Shell } from "./arguments/mod.ts";
import { COMMANDS, type ParsedOf } from "./commands.ts";
import type { Context } from "./io.ts";

const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

/** `seedpod completion SHELL`: prints a completion script. */
export async function run({ positionals }: ParsedOf<"completion">, context: Context): Promise<number> {
  const word = positionals[0]!;
  const shell = SHELLS.find((shell) => shell === word);
  if (shell === undefined) {
    throw new SeedpodError(`Cannot complete in "${word}": the shell is unknown`, {
      fault: "user",
      hint: didYouMean(word, SHELLS, `It is one of ${SHELLS.join(", ")}`),
    });
  }
  await context.stdout(renderCompletion(shell, COMMANDS));
  return 0;
}
