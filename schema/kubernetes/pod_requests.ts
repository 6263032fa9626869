import { addQuantities, compareQuantities, type ParsedQuantity, parseQuantity } from "./quantity.ts";
import type { Container, PodSpec } from "./objects.gen.ts";

type Amounts = Record<string, ParsedQuantity>;

function amountsOf(container: Container): Amounts {
  const { limits, requests } = container.resources ?? {};
  const entries = Object.entries({ ...limits, ...requests }).flatMap(([name, text]) => {
    const quantity = parseQuantity(text);
    return quantity ? [[name, quantity] as const] : [];
  });
  return Object.fromEntries(entries);
}

function add(left: Amounts, right: Amounts): Amounts {
  const sum = { ...left };
  for (const [name, amount] of Object.entries(right)) {
    sum[name] = sum[name] ? addQuantities(sum[name], amount) : amount;
  }
  return sum;
}

function larger(left: Amounts, right: Amounts): Amounts {
  const most = { ...left };
  for (const [name, amount] of Object.entries(right)) {
    if (!most[name] || compareQuantities(amount, most[name]) > 0) most[name] = amount;
  }
  return most;
}

/** True for an init container that goes on running beside the containers. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

/**
 * What a pod's containers request together at the worst moment of its life, by resource: all containers and
 * sidecars at once, or one init container with the sidecars before it.
 */
export function aggregateRequests(spec: PodSpec): Record<string, ParsedQuantity> {
  let sidecars: Amounts = {};
  let starting: Amounts = {};
  for (const container of spec.initContainers ?? []) {
    const own = amountsOf(container);
    if (isSidecar(container)) sidecars = add(sidecars, own);
    starting = larger(starting, isSidecar(container) ? sidecars : add(sidecars, own));
  }
  const running = spec.containers.map(amountsOf).reduce(add, sidecars);
  return larger(running, starting);
}
