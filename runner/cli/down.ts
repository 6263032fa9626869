import { SeedpodError } from "../base/mod.ts";
import type { ParsedOf } from "./commands.ts";
import type { Context, DownRequest } from "./io.ts";

const refuse = (message: string, hint: string): never => {
  throw new SeedpodError(message, { fault: "user", hint });
};

function requestOf({ positionals, options }: ParsedOf<"down">): DownRequest {
  if (options.all && positionals.length > 0) {
    refuse("Cannot stop pods: both files and --all are given", "Leave one of them out");
  }
  if (!options.all && positionals.length === 0) {
    refuse(
      "Cannot stop pods: FILE is missing",
      "Name the files that were started, or use --all for every pod",
    );
  }
  const graceSeconds = options.now ? 1 : options["grace-period"];
  if (options.now && options["grace-period"] !== undefined) {
    refuse("Cannot stop pods: both --now and --grace-period are given", "Leave one of them out");
  }
  if (graceSeconds !== undefined && graceSeconds < 0) {
    refuse(
      `Cannot stop pods: a grace period of ${graceSeconds} s is none`,
      "Write --grace-period 0 to kill at once",
    );
  }
  return {
    manifests: options.all ? "all" : positionals,
    ...(graceSeconds !== undefined && { graceSeconds }),
  };
}

/** `seedpod down FILE…`: stops pods and removes all that is theirs. */
export async function run(parsed: ParsedOf<"down">, context: Context): Promise<number> {
  const request = requestOf(parsed);
  const engine = await context.engine();
  return await engine.down(request, context);
}
