import type { ParsedOf } from "./commands.ts";
import type { Context } from "./io.ts";
import { renderProgram } from "../plan/mod.ts";
import { renderPlan } from "./view/mod.ts";

/** `seedpod plan FILE…`: shows what would be done. */
export async function run({ positionals, options }: ParsedOf<"plan">, context: Context): Promise<number> {
  const engine = await context.engine();
  const pods = await engine.plan(positionals);
  await context.stdout(
    renderPlan(pods, { color: context.color, ...(options.syscalls && { renderProgram }) }),
  );
  return 0;
}
