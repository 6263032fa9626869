import type { ParsedOf } from "./commands.ts";
import type { Context } from "./io.ts";

/** `seedpod serve`: keeps the pods of this root running until it is stopped. */
export async function run(_parsed: ParsedOf<"serve">, context: Context): Promise<number> {
  const engine = await context.engine();
  return await engine.serve(context);
}
