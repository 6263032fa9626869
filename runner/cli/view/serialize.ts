import type { Pod } from "../../../schema/kubernetes/mod.ts";

/** The same value with the keys of every object in alphabetical order, as kubectl prints them. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** A v1.PodList. */
export function podList(pods: readonly Pod[]): unknown {
  return { apiVersion: "v1", items: pods, kind: "PodList", metadata: {} };
}

/** An object as JSON, indented as by kubectl. */
export function renderJson(object: unknown): string {
  return JSON.stringify(sorted(object), null, 4) + "\n";
}

/** An object as YAML that kubectl and seedpod read back as the same. */
export async function renderYaml(object: unknown): Promise<string> {
  const { dump } = await import("js-yaml");
  // Through JSON, so that what is undefined is left out.
  const plain: unknown = JSON.parse(JSON.stringify(sorted(object)));
  return dump(plain, { lineWidth: -1, noRefs: true, seqNoIndent: true });
}
