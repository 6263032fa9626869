import {
  aggregateRequests,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Pod,
  type PodSpec,
  type ResourceRequirements,
} from "../kubernetes/mod.ts";
import { type Fault, type NodePath, quoted } from "../source/mod.ts";
import { suggestWord } from "../structure/mod.ts";

const HUGE_PAGES = "hugepages-";
const CONTAINER_RESOURCES = ["cpu", "memory", "ephemeral-storage"];
const POD_RESOURCES = ["cpu", "memory"];
const NANOS = 1_000_000_000n;

/** Units that people write and Kubernetes does not know, and what they may have meant. */
const MISTAKEN_UNITS: [RegExp, (number: string) => string][] = [
  [
    /^([0-9.]+) ?([KMGTP])[bB]$/,
    (text) => meant(text, (number, unit) => `${number}${unit === "K" ? "k" : unit}`, true),
  ],
  [
    /^([0-9.]+) ?([kmgtpKMGTP])i[bB]$/,
    (text) => meant(text, (number, unit) => `${number}${unit.toUpperCase()}i`, false),
  ],
  [
    /^([0-9.]+) ?([mgtp])[bB]$/,
    (text) => meant(text, (number, unit) => `${number}${unit.toUpperCase()}`, true),
  ],
  [
    /^([0-9.]+) ?([gtpK])$/,
    (text) => meant(text, (number, unit) => `${number}${unit === "K" ? "k" : unit.toUpperCase()}`, true),
  ],
  [
    /^([0-9.]+) ?([kmgtpe])i$/,
    (text) => meant(text, (number, unit) => `${number}${unit.toUpperCase()}i`, false),
  ],
  [/^([0-9.]+) ([a-zA-Z]+)$/, (text) => `did you mean "${text.replace(" ", "")}"?`],
];

function meant(text: string, fix: (number: string, unit: string) => string, decimal: boolean): string {
  const [, number, unit] = /^([0-9.]+) ?([a-zA-Z])/.exec(text)!;
  const first = fix(number!, unit!);
  const binary = `${number}${unit!.toUpperCase()}i`;
  return decimal ? `did you mean "${first}" or "${binary}"?` : `did you mean "${first}"?`;
}

/** What a text that is no quantity was probably meant to be. */
export function quantityHint(text: string): string {
  const mistaken = MISTAKEN_UNITS.find(([pattern]) => pattern.test(text));
  return mistaken?.[1](text) ??
    'a quantity is a number with a unit: "500m" of cpu, "128Mi" or "1G" of memory';
}

function* checkName(name: string, allowed: string[], path: NodePath): Generator<Fault> {
  if (allowed.includes(name)) return;
  if (name.startsWith(HUGE_PAGES)) {
    const size = parseQuantity(name.slice(HUGE_PAGES.length));
    const bytes = size && size.nanos > 0n && size.nanos % NANOS === 0n ? size.nanos / NANOS : 0n;
    if (bytes > 0n && (bytes & (bytes - 1n)) === 0n) return;
    yield { path, message: `${quoted(name)} names no page size`, hint: "such as hugepages-2Mi", atKey: true };
    return;
  }
  const extended = name.includes("/");
  const suggestion = suggestWord(name, [...allowed, `${HUGE_PAGES}2Mi`]);
  const what = CONTAINER_RESOURCES.includes(name)
    ? `${quoted(name)} cannot be set for the pod as a whole`
    : extended
    ? `the extended resource ${quoted(name)} is not supported: there are no device plug-ins`
    : `unknown resource ${quoted(name)}`;
  yield {
    path,
    message: what,
    hint: suggestion === undefined ? undefined : `did you mean "${suggestion}"?`,
    atKey: true,
  };
}

function* checkAmount(name: string, text: string, path: NodePath): Generator<Fault> {
  const quantity = parseQuantity(text);
  if (!quantity) {
    yield { path, message: `${quoted(text)} is not a quantity`, hint: quantityHint(text) };
    return;
  }
  if (quantity.nanos < 0n) {
    yield { path, message: `${quoted(text)} is negative` };
  } else if (name !== "cpu" && quantity.nanos % NANOS !== 0n) {
    const hint = text.endsWith("m")
      ? `did you mean "${text.slice(0, -1)}M" or "${text.slice(0, -1)}Mi"?`
      : undefined;
    yield { path, message: `${quoted(text)} of ${name} is a fraction of a byte`, hint };
  } else if (name.startsWith(HUGE_PAGES)) {
    const page = parseQuantity(name.slice(HUGE_PAGES.length));
    if (page && page.nanos > 0n && quantity.nanos % page.nanos !== 0n) {
      yield { path, message: `${quoted(text)} is not a multiple of the page size` };
    }
  }
}

function* checkPair(name: string, resources: ResourceRequirements, path: NodePath): Generator<Fault> {
  const requestText = resources.requests?.[name];
  const limitText = resources.limits?.[name];
  const request = requestText === undefined ? undefined : parseQuantity(requestText);
  const limit = limitText === undefined ? undefined : parseQuantity(limitText);
  const at = [...path, "requests", name];
  const related = { path: [...path, "limits", name], message: "the limit" };
  const huge = name.startsWith(HUGE_PAGES);
  if (request && limitText === undefined && huge) {
    yield { path: at, message: `${name} needs a limit that equals the request` };
  } else if (request && limit && huge && compareQuantities(request, limit) !== 0) {
    yield { path: at, message: `the request of ${name} must equal the limit ${limitText}`, related };
  } else if (request && limit && compareQuantities(request, limit) > 0) {
    yield {
      path: at,
      message: `the request ${requestText} of ${name} is more than the limit ${limitText}`,
      related,
    };
  }
}

/** The requests and limits of a container, or of a pod as a whole. */
export function* checkResources(
  resources: ResourceRequirements | undefined,
  path: NodePath,
  level: "container" | "pod",
): Generator<Fault> {
  if (!resources) return;
  const allowed = level === "container" ? CONTAINER_RESOURCES : POD_RESOURCES;
  const names = new Set<string>();
  for (const list of ["limits", "requests"] as const) {
    for (const [name, text] of Object.entries(resources[list] ?? {})) {
      names.add(name);
      yield* checkName(name, allowed, [...path, list, name]);
      yield* checkAmount(name, text, [...path, list, name]);
    }
  }
  for (const name of names) yield* checkPair(name, resources, path);
  const hugePages = [...names].some((name) => name.startsWith(HUGE_PAGES));
  if (level === "container" && hugePages && !names.has("cpu") && !names.has("memory")) {
    yield { path, message: "huge pages need a request or limit of cpu or memory beside them" };
  }
}

function* checkWithinPod(spec: PodSpec): Generator<Fault> {
  const pod = spec.resources!;
  for (const [name, request] of Object.entries(aggregateRequests(spec))) {
    const own = pod.requests?.[name] === undefined ? undefined : parseQuantity(pod.requests[name]);
    if (own && compareQuantities(request, own) > 0) {
      const message = `the pod's request of ${name} is less than the ${
        formatQuantity(request)
      } that its containers request`;
      yield { path: ["spec", "resources", "requests", name], message };
    }
  }
  for (const list of ["initContainers", "containers"] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      for (const [name, text] of Object.entries(container.resources?.limits ?? {})) {
        const [limit, own] = [parseQuantity(text), parseQuantity(pod.limits?.[name] ?? "")];
        if (!limit || !own || compareQuantities(limit, own) <= 0) continue;
        const message = `the limit ${text} of ${name} is more than the pod's limit ${pod.limits![name]}`;
        const related = { path: ["spec", "resources", "limits", name], message: "the pod's limit" };
        yield { path: ["spec", list, index, "resources", "limits", name], message, related };
      }
    }
  }
}

/** The pod-level requests and limits, by themselves and against those of the containers. */
export function* checkPodResources({ spec }: Pod): Generator<Fault> {
  if (!spec?.resources) return;
  yield* checkResources(spec.resources, ["spec", "resources"], "pod");
  yield* checkWithinPod(spec);
}

/** A quantity that must not be negative, such as a size limit. */
export function* checkSize(text: string | undefined, path: NodePath): Generator<Fault> {
  if (text !== undefined) yield* checkAmount("storage", text, path);
}
