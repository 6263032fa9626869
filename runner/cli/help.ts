import { SeedpodError } from "../base/mod.ts";
import { type CommandSpec, didYouMean, renderCommandHelp, renderProgramHelp } from "./arguments/mod.ts";
import { COMMANDS, type ParsedOf } from "./commands.ts";
import type { Context } from "./io.ts";

/** `seedpod help [COMMAND]`: shows the help. */
export async function run({ positionals: [word] }: ParsedOf<"help">, context: Context): Promise<number> {
  const commands: readonly CommandSpec[] = COMMANDS;
  const command = commands.find(({ name }) => name === word);
  if (word !== undefined && !command) {
    throw new SeedpodError(`Cannot show the help of "${word}": there is no such command`, {
      fault: "user",
      hint: didYouMean(word, commands.map(({ name }) => name), 'See "seedpod help"'),
    });
  }
  const { columns } = context;
  await context.stdout(command ? renderCommandHelp(command, columns) : renderProgramHelp(commands, columns));
  return 0;
}
