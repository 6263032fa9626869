import {
  type Container,
  cpuMillis,
  quantityBytes,
  type ResourceFieldSelector,
} from "../../../schema/kubernetes/mod.ts";
import { containerResources } from "../resources/mod.ts";
import type { ProcessInput } from "./process_input.ts";

const SUBSCRIPT = /^metadata\.(labels|annotations)\['([^']*)'\]$/;

/**
 * The value of a pod's field as a variable shows it; undefined for a path that no variable can show. A label or
 * annotation that the pod does not have is empty.
 * https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#downwardapi-fieldRef
 */
export function podFieldValue(input: ProcessInput, fieldPath: string): string | undefined {
  const { context, podIPs, hostIPs } = input;
  const { metadata, spec } = context.pod;
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace;
    case "metadata.uid":
      return context.uid;
    case "spec.nodeName":
      return input.nodeName;
    case "spec.serviceAccountName":
      return spec.serviceAccountName || spec.serviceAccount || "default";
    case "status.hostIP":
      return hostIPs[0] ?? "";
    case "status.hostIPs":
      return hostIPs.join(",");
    case "status.podIP":
      return podIPs[0] ?? "";
    case "status.podIPs":
      return podIPs.join(",");
  }
  const [, map, key = ""] = SUBSCRIPT.exec(fieldPath) ?? [];
  if (map === undefined) return undefined;
  const values = (map === "labels" ? metadata.labels : metadata.annotations) ?? {};
  return Object.hasOwn(values, key) ? values[key] : "";
}

/**
 * An amount of a container's resources, divided and rounded up; undefined for a container or resource that there is
 * none of. A limit that is not set is the pod's, or else all that the machine has.
 * https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#downwardapi-resourceFieldRef
 */
export function resourceFieldValue(
  input: ProcessInput,
  selector: ResourceFieldSelector,
): string | undefined {
  const { spec } = input.context.pod;
  const container = selector.containerName
    ? [...spec.initContainers ?? [], ...spec.containers].find(({ name }) => name === selector.containerName)
    : input.container;
  const [, list, resource = ""] = /^(limits|requests)\.(.+)$/.exec(selector.resource) ?? [];
  if (container === undefined || list === undefined) return undefined;
  const amount = list === "limits"
    ? limitOf(input, container, resource)
    : containerResources(container).requests.get(resource) ?? 0;
  const divisor = amountOf(resource, selector.divisor ?? "0") || amountOf(resource, "1");
  return String(Math.ceil(amount / divisor));
}

/** Millicores for `cpu`, else bytes. */
function amountOf(resource: string, quantity: string): number {
  return resource === "cpu" ? cpuMillis(quantity) : quantityBytes(quantity);
}

function limitOf(input: ProcessInput, container: Container, resource: string): number {
  const own = containerResources(container).limits.get(resource) ?? 0;
  if (own > 0) return own;
  // huge pages are never overcommitted: without a limit of its own a container has none
  if (resource.startsWith("hugepages-")) return 0;
  const pods = input.context.pod.spec.resources?.limits?.[resource];
  const shared = pods === undefined ? 0 : amountOf(resource, pods);
  return shared > 0 ? shared : input.allocatable.get(resource) ?? 0;
}
