/** Layer 6: words for people. Arguments in, exit status out. */
import { ManifestErrors } from "./manifest_errors.ts";
import { SeedpodError } from "../base/mod.ts";
import { asksForHelp, type CommandSpec, didYouMean, parseArguments } from "./arguments/mod.ts";
import { type CommandName, COMMANDS, type ParsedOf } from "./commands.ts";
import type { CommandEngine, Context, Io } from "./io.ts";

export {
  type CommandEngine,
  type DownRequest,
  type ExecRequest,
  type Io,
  processIo,
  type UpRequest,
} from "./io.ts";
export type { PlannedAction, PlannedPod, PlannedProgram } from "./view/mod.ts";

/** What each command's file exports. */
type Commands = {
  [N in CommandName]: () => Promise<{ run(parsed: ParsedOf<N>, context: Context): Promise<number> }>;
};

/** A command loads its own file and nothing of the others. */
const LOAD: Commands = {
  up: () => import("./up.ts"),
  down: () => import("./down.ts"),
  get: () => import("./get.ts"),
  logs: () => import("./logs.ts"),
  exec: () => import("./exec.ts"),
  describe: () => import("./describe.ts"),
  plan: () => import("./plan.ts"),
  serve: () => import("./serve.ts"),
  completion: () => import("./completion.ts"),
  version: () => import("./version.ts"),
  help: () => import("./help.ts"),
};

/** Options that stand in the place of a command. */
const INSTEAD: Readonly<Record<string, CommandName>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-V": "version",
};

const EXIT_USER = 1;
const EXIT_OURS = 2;

function unknownCommand(word: string): never {
  const isOption = word.startsWith("-");
  throw new SeedpodError(
    isOption
      ? `Cannot read "${word}": options stand after the command`
      : `Cannot run "seedpod ${word}": there is no such command`,
    { fault: "user", hint: didYouMean(word, COMMANDS.map(({ name }) => name), 'See "seedpod help"') },
  );
}

async function runCommand<N extends CommandName>(
  name: N,
  args: readonly string[],
  context: Context,
): Promise<number> {
  const command: CommandSpec = COMMANDS.find((command) => command.name === name)!;
  if (asksForHelp(args)) {
    const { renderCommandHelp } = await import("./arguments/mod.ts");
    await context.stdout(renderCommandHelp(command, context.columns));
    return 0;
  }
  const parsed = await parseArguments(command, args) as ParsedOf<N>;
  const { run } = await LOAD[name]();
  return await run(parsed, context);
}

function dispatch(args: readonly string[], context: Context): Promise<number> {
  const [word = "help", ...rest] = args;
  const name = Object.hasOwn(INSTEAD, word)
    ? INSTEAD[word]
    : COMMANDS.find(({ name }) => name === word)?.name;
  return name === undefined ? unknownCommand(word) : runCommand(name, rest, context);
}

/**
 * Runs one command line. Gives the exit status: 0 success, 1 the user's error, 2 ours. Errors go to stderr; a reader of
 * the output that has gone away, as `head` does, is no error.
 */
export async function runCommandLine(
  args: readonly string[],
  io: Io,
  engine: () => Promise<CommandEngine>,
): Promise<number> {
  const status = await runOrExplain(args, { ...io, engine });
  await io.flush();
  return status;
}

async function runOrExplain(args: readonly string[], io: Context): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return 0;
    const { renderError } = await import("./view/mod.ts");
    const text = error instanceof ManifestErrors
      ? error.render(io.errorColor)
      : renderError(error, { color: io.errorColor, stack: true });
    io.note(text);
    return error instanceof SeedpodError && error.fault === "user" ? EXIT_USER : EXIT_OURS;
  }
}
