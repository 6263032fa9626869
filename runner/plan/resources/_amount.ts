import { cpuMillis, parseQuantity, quantityBytes } from "../../../schema/kubernetes/mod.ts";

const HUGE_PAGES = "hugepages-";

/** The amount of a resource: millicores for `cpu`, else bytes or pieces; rounded up. */
export function amountOf(resource: string, quantity: string): number {
  return resource === "cpu" ? cpuMillis(quantity) : quantityBytes(quantity);
}

/** The page size of a `hugepages-2Mi` resource in bytes; null for every other resource. */
export function hugePageSizeBytes(resource: string): number | null {
  const size = resource.startsWith(HUGE_PAGES) ? resource.slice(HUGE_PAGES.length) : "";
  return parseQuantity(size) === undefined ? null : quantityBytes(size);
}
