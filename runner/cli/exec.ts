import type { ParsedOf } from "./commands.ts";
import type { Context } from "./io.ts";
import { chooseContainer, findPod } from "./arguments/mod.ts";

/** `seedpod exec POD -- CMD…`: runs a command in a container; gives its exit status. */
export async function run(
  { positionals, options, rest }: ParsedOf<"exec">,
  context: Context,
): Promise<number> {
  const engine = await context.engine();
  const pod = findPod(await engine.pods(), positionals[0]!, options.namespace);
  const { name: container, note } = chooseContainer(pod, options.container);
  if (note) context.note(note);
  return await engine.exec(
    { pod, container, command: rest, stdin: options.stdin, tty: options.tty },
    context,
  );
}
