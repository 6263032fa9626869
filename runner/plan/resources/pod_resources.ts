import { amountOf } from "./_amount.ts";

/** Kubernetes' ResourceRequirements, as far as the machine's own resources go: name -> quantity. */
export interface ResourceNeeds {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

/** What of a Container decides over resources. */
export interface ContainerNeeds {
  readonly name: string;
  readonly resources?: ResourceNeeds;
  /** `Always` makes an init container a sidecar. */
  readonly restartPolicy?: string;
}

/** What of a PodSpec decides over resources. */
export interface PodSpecNeeds {
  readonly containers: readonly ContainerNeeds[];
  readonly initContainers?: readonly ContainerNeeds[];
  /** Pod-level resources. */
  readonly resources?: ResourceNeeds;
  readonly priorityClassName?: string;
}

/** What of a Pod decides over resources. */
export interface PodNeeds {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: PodSpecNeeds;
}

/** Resource name -> amount: `cpu` in millicores, everything else in its own unit (bytes, pieces), rounded up. */
export type Amounts = ReadonlyMap<string, number>;

/** The requests and limits that hold for a container or a pod. */
export interface EffectiveResources {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

/** The amounts of one list of quantities. Throws a RangeError on a quantity that is none. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Map<string, number> {
  return new Map(Object.entries(list ?? {}).map(([name, quantity]) => [name, amountOf(name, quantity)]));
}

/** Whether pod-level resources may name it: cpu, memory and huge pages. */
function isPodLevelResource(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

/** Whether an init container keeps running beside the others (`restartPolicy: Always`). */
export function isSidecar(spec: PodSpecNeeds, container: ContainerNeeds): boolean {
  return container.restartPolicy === "Always" &&
    (spec.initContainers ?? []).some((c) => c.name === container.name);
}

/** Whether `spec.resources` names anything; the limits and requests of Kubernetes' PodLevelResources then hold. */
export function hasPodLevelResources(spec: PodSpecNeeds): boolean {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  return [...Object.keys(requests), ...Object.keys(limits)].some(isPodLevelResource);
}

/** A container's own requests and limits; a request that is not set is its limit, as the API server defaults it. */
export function containerResources(container: ContainerNeeds): EffectiveResources {
  const limits = amountsOf(container.resources?.limits);
  return { limits, requests: new Map([...limits, ...amountsOf(container.resources?.requests)]) };
}

function add(into: Map<string, number>, more: Amounts): void {
  for (const [name, amount] of more) into.set(name, (into.get(name) ?? 0) + amount);
}

function raise(to: Map<string, number>, floor: Amounts): void {
  for (const [name, amount] of floor) to.set(name, Math.max(to.get(name) ?? 0, amount));
}

/**
 * What all containers together need at their worst moment: the containers and the sidecars run side by side, or one
 * init container runs beside the sidecars started before it, whichever is more.
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
function aggregate(spec: PodSpecNeeds, which: keyof EffectiveResources): Map<string, number> {
  const running = new Map<string, number>();
  for (const container of spec.containers) add(running, containerResources(container)[which]);
  const sidecars = new Map<string, number>();
  const initialising = new Map<string, number>();
  for (const container of spec.initContainers ?? []) {
    const own = containerResources(container)[which];
    if (container.restartPolicy === "Always") {
      add(running, own);
      add(sidecars, own);
      raise(initialising, sidecars);
    } else {
      const together = new Map(own);
      add(together, sidecars);
      raise(initialising, together);
    }
  }
  raise(running, initialising);
  return running;
}

/** The containers' requests together, without `spec.resources`. */
export function aggregateRequests(spec: PodSpecNeeds): Amounts {
  return aggregate(spec, "requests");
}

/**
 * `spec.resources` with the API server's defaults: where it sets limits, a request that it leaves out is what the
 * containers ask together (cpu and memory only), or else the limit.
 */
export function podLevelResources(spec: PodSpecNeeds): EffectiveResources {
  const named = (list: Readonly<Record<string, string>> | undefined) =>
    new Map([...amountsOf(list)].filter(([name]) => isPodLevelResource(name)));
  const limits = named(spec.resources?.limits);
  const requests = named(spec.resources?.requests);
  if (limits.size === 0) return { requests, limits };
  const asked = [...aggregate(spec, "requests")].filter(([name]) => name === "cpu" || name === "memory");
  return { limits, requests: new Map([...limits, ...asked, ...requests]) };
}

/** What the pod as a whole asks for and may use: the containers together, overridden by `spec.resources`. */
export function podResources(spec: PodSpecNeeds): EffectiveResources {
  const own = podLevelResources(spec);
  return {
    requests: new Map([...aggregate(spec, "requests"), ...own.requests]),
    limits: new Map([...aggregate(spec, "limits"), ...own.limits]),
  };
}

/** Whether the pod as a whole is limited in a resource: by `spec.resources`, or because each of its containers is. */
export function isPodLimited(spec: PodSpecNeeds, resource: "cpu" | "memory"): boolean {
  if (amountsOf(spec.resources?.limits).get(resource)) return true;
  return [...spec.containers, ...(spec.initContainers ?? [])]
    .every((container) => (containerResources(container).limits.get(resource) ?? 0) > 0);
}
