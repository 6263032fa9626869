import { SeedpodError } from "../base/mod.ts";
import type { ParsedOf } from "./commands.ts";
import { findPod, resourceNames } from "./arguments/mod.ts";
import type { Context } from "./io.ts";
import { renderPodDescription } from "./view/mod.ts";

/** `seedpod describe pod NAME`: shows one pod in full. */
export async function run({ positionals, options }: ParsedOf<"describe">, context: Context): Promise<number> {
  const [name, extra] = resourceNames(positionals);
  if (name === undefined || extra !== undefined) {
    throw new SeedpodError("Cannot describe a pod: one NAME is needed", {
      fault: "user",
      hint: "Usage: seedpod describe pod NAME",
    });
  }
  const engine = await context.engine();
  await context.stdout(renderPodDescription(findPod(await engine.pods(), name, options.namespace)));
  return 0;
}
