import type { Pod } from "../../schema/kubernetes/mod.ts";
import { SeedpodError } from "../base/mod.ts";
import type { ParsedOf } from "./commands.ts";
import { findPod, namespaceOf, resourceNames } from "./arguments/mod.ts";
import type { Context } from "./io.ts";
import { podList, renderError, renderJson, renderPodNames, renderPods, renderYaml } from "./view/mod.ts";

type Options = ParsedOf<"get">["options"];

/** The pods of these names, and the errors for those that are not there. */
function select(
  pods: readonly Pod[],
  names: readonly string[],
  options: Options,
): { found: Pod[]; missing: unknown[] } {
  if (names.length === 0) {
    const isAsked = (pod: Pod): boolean =>
      options["all-namespaces"] || namespaceOf(pod) === options.namespace;
    return { found: pods.filter(isAsked), missing: [] };
  }
  const found: Pod[] = [];
  const missing: unknown[] = [];
  for (const name of names) {
    try {
      found.push(findPod(pods, name, options.namespace));
    } catch (error) {
      missing.push(error);
    }
  }
  return { found, missing };
}

async function render(
  pods: readonly Pod[],
  isOne: boolean,
  options: Options,
  nowMs: number,
): Promise<string> {
  const object = isOne && pods.length === 1 ? pods[0] : podList(pods);
  switch (options.output) {
    case "json":
      return renderJson(object);
    case "yaml":
      return await renderYaml(object);
    case "name":
      return renderPodNames(pods);
    default:
      return renderPods(pods, {
        nowMs,
        wide: options.output === "wide",
        namespaces: options["all-namespaces"],
        headers: !options["no-headers"],
      });
  }
}

/** `seedpod get pods`: lists pods. */
export async function run({ positionals, options }: ParsedOf<"get">, context: Context): Promise<number> {
  const names = resourceNames(positionals);
  if (names.length > 0 && options["all-namespaces"]) {
    throw new SeedpodError("Cannot get a pod by name in every namespace: a name belongs to one", {
      fault: "user",
      hint: "Leave -A or the name out",
    });
  }
  const engine = await context.engine();
  const { found, missing } = select(await engine.pods(), names, options);
  const isForPeople = options.output === undefined || options.output === "wide";
  if (found.length === 0 && names.length === 0 && isForPeople) {
    const where = options["all-namespaces"] ? "" : ` in ${options.namespace} namespace`;
    await context.stderr(`No resources found${where}.\n`);
    return 0;
  }
  if (found.length > 0 || names.length === 0) {
    await context.stdout(await render(found, names.length === 1, options, context.nowMs()));
  }
  for (const error of missing) await context.stderr(renderError(error, { color: context.errorColor }));
  return missing.length > 0 ? 1 : 0;
}
