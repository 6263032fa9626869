/** Kubernetes' vocabulary: the types of its objects, quantities, names. Light: it imports nothing at run time. */
export type * from "./objects.gen.ts";
export {
  addQuantities,
  compareQuantities,
  cpuMillis,
  formatQuantity,
  type ParsedQuantity,
  parseQuantity,
  quantityBytes,
  type QuantityFormat,
} from "./quantity.ts";
export {
  configKeyFault,
  dnsLabelFault,
  dnsSubdomainFault,
  envNameFault,
  isCIdentifier,
  isIPv4,
  isIPv6,
  labelValueFault,
  portNameFault,
  qualifiedNameFault,
} from "./names.ts";
export { BOOTTIME_OFFSET, MONOTONIC_OFFSET, parseTimeOffset, type TimeOffset } from "./time_offset.ts";
export { aggregateRequests, isSidecar } from "./pod_requests.ts";
