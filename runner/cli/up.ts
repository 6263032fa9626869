import type { ParsedOf } from "./commands.ts";
import type { Context } from "./io.ts";

/** `seedpod up FILE…`: starts the pods of manifests. */
export async function run({ positionals, options }: ParsedOf<"up">, context: Context): Promise<number> {
  const engine = await context.engine();
  return await engine.up(
    { manifests: positionals, detach: options.detach, timeoutMs: options.timeout },
    context,
  );
}
