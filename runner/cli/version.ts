import type { ParsedOf } from "./commands.ts";
import type { Context } from "./io.ts";

/** `seedpod version`: prints the version. */
export async function run(_parsed: ParsedOf<"version">, context: Context): Promise<number> {
  const { default: config } = await import("../../deno.json", { with: { type: "json" } });
  await context.stdout(`seedpod ${config.version}\n`);
  return 0;
}
