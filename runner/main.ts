/** The program's door: arguments in, exit status out. */
import { processIo, runCommandLine } from "./cli/mod.ts";

const status = await runCommandLine(
  Deno.args,
  processIo(),
  async () => (await import("./cli/run/mod.ts")).openCommandEngine(),
);
Deno.exit(status);
