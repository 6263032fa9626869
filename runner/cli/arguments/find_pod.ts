import type { Container, Pod } from "../../../schema/kubernetes/mod.ts";
import { SeedpodError } from "../../base/mod.ts";
import { didYouMean } from "./did_you_mean.ts";

const RESOURCE_WORDS: ReadonlySet<string> = new Set(["pod", "pods", "po"]);

const nameOf = (pod: Pod): string => pod.metadata?.name ?? "";
/** The namespace of a pod. */
export const namespaceOf = (pod: Pod): string => pod.metadata?.namespace ?? "default";

/** Splits `pod/web` into its words; a plain `web` has no resource. */
function splitReference(text: string): { resource: string | undefined; name: string } {
  const slash = text.indexOf("/");
  return slash < 0
    ? { resource: undefined, name: text }
    : { resource: text.slice(0, slash), name: text.slice(slash + 1) };
}

function checkResource(resource: string): void {
  if (RESOURCE_WORDS.has(resource)) return;
  throw new SeedpodError(`Cannot find "${resource}": there is no such kind of resource here`, {
    fault: "user",
    hint: didYouMean(resource, [...RESOURCE_WORDS], "There are pods"),
  });
}

/** The names that `pods`, `pod web`, `pods/web` and `po/web po/db` ask for; none stands for all. */
export function resourceNames([resource, ...names]: readonly string[]): string[] {
  const first = splitReference(resource!);
  if (first.resource === undefined) {
    checkResource(first.name);
    return names.map(podName);
  }
  return [resource!, ...names].map(podName);
}

/** The name in `web` or `pod/web`. */
function podName(text: string): string {
  const { resource, name } = splitReference(text);
  if (resource !== undefined) checkResource(resource);
  if (name !== "") return name;
  throw new SeedpodError(`Cannot find pod "${text}": the name is missing`, { fault: "user" });
}

/** The pod of that name; an error that says where it is instead, or what was probably meant. */
export function findPod(pods: readonly Pod[], reference: string, namespace: string): Pod {
  const name = podName(reference);
  const here = pods.filter((pod) => namespaceOf(pod) === namespace);
  const found = here.find((pod) => nameOf(pod) === name);
  if (found) return found;
  const elsewhere = pods.find((pod) => nameOf(pod) === name);
  throw new SeedpodError(`Cannot find pod "${name}": there is none in namespace "${namespace}"`, {
    fault: "user",
    hint: elsewhere
      ? `It is in namespace "${namespaceOf(elsewhere)}": add -n ${namespaceOf(elsewhere)}`
      : didYouMean(name, here.map(nameOf), 'See "seedpod get pods -A"'),
  });
}

/** Every container of a pod in the order it starts: init containers first. */
export function allContainers(pod: Pod): Container[] {
  return [...pod.spec?.initContainers ?? [], ...pod.spec?.containers ?? []];
}

/** The container that is meant, and what a person should know of the choice. */
export interface ChosenContainer {
  readonly name: string;
  /** Said on stderr, as kubectl does, when nobody chose among several. */
  readonly note?: string;
}

/** The container asked for; by default the one that an annotation names, as for kubectl, or the first. */
export function chooseContainer(pod: Pod, asked: string | undefined): ChosenContainer {
  const names = allContainers(pod).map(({ name }) => name);
  const annotated = pod.metadata?.annotations?.["kubectl.kubernetes.io/default-container"];
  const preferred = annotated !== undefined && names.includes(annotated) ? annotated : undefined;
  const name = asked ?? preferred ?? pod.spec?.containers[0]?.name ?? "";
  if (!names.includes(name)) {
    throw new SeedpodError(`Cannot find container "${name}" in pod "${nameOf(pod)}": there is none`, {
      fault: "user",
      hint: didYouMean(name, names, `It has ${names.join(", ")}`),
    });
  }
  if (names.length === 1 || asked !== undefined || preferred !== undefined) return { name };
  const inits = (pod.spec?.initContainers ?? []).map((each) => `${each.name} (init)`);
  const all = [...(pod.spec?.containers ?? []).map((each) => each.name), ...inits];
  return { name, note: `Defaulted container "${name}" out of: ${all.join(", ")}\n` };
}
