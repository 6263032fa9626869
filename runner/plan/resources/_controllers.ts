import type { CgroupHost, CgroupSetting } from "./cgroup_host.ts";
import type { Amounts, EffectiveResources } from "./pod_resources.ts";
import type { QosClass } from "./qos.ts";
import { hugePageSizeBytes } from "./_amount.ts";

/** From a resource to the field of the manifest that set its request or limit; null where none did. */
export type Origin = (resource: string, which: keyof EffectiveResources) => CgroupSetting["from"];

/** The kernel's bounds of cpu.shares, sched(7); Kubernetes gives 2 to those who ask for nothing. */
const MIN_CPU_SHARES = 2;
const MAX_CPU_SHARES = 262_144;
/** The CFS bandwidth period: the kernel's default, and Kubernetes'. */
const CPU_PERIOD_US = 100_000;
/** The kernel refuses a smaller quota. */
const MIN_CPU_QUOTA_US = 1000;

/** One setting, or none where the controller is absent or not of the version asked for (null: either). */
export function setting(
  host: CgroupHost,
  version: 1 | 2 | null,
  controller: string,
  file: string,
  value: number | string,
  from: CgroupSetting["from"] = null,
  required = true,
): CgroupSetting[] {
  const where = host.controllers[controller];
  if (where === undefined || (version !== null && where.version !== version)) return [];
  return [{ controller, hierarchy: where.hierarchy, file, value: String(value), from, required }];
}

/** cpu.shares of a request in millicores. */
export function cpuShares(requestMillicores: number): number {
  return Math.min(Math.max(Math.floor(requestMillicores * 1024 / 1000), MIN_CPU_SHARES), MAX_CPU_SHARES);
}

/**
 * cpu.weight of cpu.shares, by the curve through (2, 1), (1024, 100) and (262144, 10000) that crun 1.23 and runc 1.3.2
 * use. The older straight line gave one whole processor a weight of 39, less than the 100 of every service beside it.
 * https://kubernetes.io/blog/2026/01/30/new-cgroup-v1-to-v2-conversion-formula/
 */
export function cpuWeight(shares: number): number {
  if (shares <= MIN_CPU_SHARES) return 1;
  if (shares >= MAX_CPU_SHARES) return 10_000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

/** CFS quota in microseconds of a period of 100 ms, for a limit in millicores. */
export function cpuQuotaUs(limitMillicores: number): number {
  return Math.max(Math.floor(limitMillicores * CPU_PERIOD_US / 1000), MIN_CPU_QUOTA_US);
}

/** cpu: the request becomes a weight, the limit a quota. */
export function cpuSettings(
  host: CgroupHost,
  { requests, limits }: EffectiveResources,
  origin: Origin,
): CgroupSetting[] {
  const request = requests.get("cpu");
  const limit = limits.get("cpu") ?? 0;
  const shares = cpuShares(request ?? 0);
  const requestFrom = request === undefined ? null : origin("cpu", "requests");
  const weight = [
    ...setting(host, 1, "cpu", "cpu.shares", shares, requestFrom),
    ...setting(host, 2, "cpu", "cpu.weight", cpuWeight(shares), requestFrom),
  ];
  if (limit === 0) return weight;
  const limitFrom = origin("cpu", "limits");
  return [
    ...weight,
    ...setting(host, 1, "cpu", "cpu.cfs_quota_us", cpuQuotaUs(limit), limitFrom),
    ...setting(host, 2, "cpu", "cpu.max", `${cpuQuotaUs(limit)} ${CPU_PERIOD_US}`, limitFrom),
  ];
}

/**
 * memory: the limit becomes a maximum, and one for memory and swap together. The request becomes a protection as under
 * Kubernetes' TieredReservation: hard (memory.min) for Guaranteed pods, soft (memory.low) for Burstable ones. v1 has no
 * protection; its soft limit comes nearest (who is above it is reclaimed from first), and may vanish with the kernel.
 */
export function memorySettings(
  host: CgroupHost,
  { requests, limits }: EffectiveResources,
  qos: QosClass,
  origin: Origin,
): CgroupSetting[] {
  const request = requests.get("memory") ?? 0;
  const limit = limits.get("memory") ?? 0;
  const limitFrom = limit > 0 ? origin("memory", "limits") : null;
  const requestFrom = request > 0 ? origin("memory", "requests") : null;
  const limited = limit === 0 ? [] : [
    ...setting(host, 1, "memory", "memory.limit_in_bytes", limit, limitFrom),
    ...setting(host, 1, "memory", "memory.memsw.limit_in_bytes", limit, limitFrom, false),
    ...setting(host, 2, "memory", "memory.max", limit, limitFrom),
  ];
  if (request === 0) return limited;
  const isBelowLimit = limit === 0 || request < limit;
  return [
    ...limited,
    ...(isBelowLimit
      ? setting(host, 1, "memory", "memory.soft_limit_in_bytes", request, requestFrom, false)
      : []),
    ...setting(host, 2, "memory", qos === "Guaranteed" ? "memory.min" : "memory.low", request, requestFrom),
  ];
}

/** How the kernel's hugetlb controller spells a page size: `2MB`, `1GB`, `64KB`. */
function hugePageSizeName(sizeBytes: number): string {
  if (sizeBytes >= 2 ** 30) return `${sizeBytes / 2 ** 30}GB`;
  return sizeBytes >= 2 ** 20 ? `${sizeBytes / 2 ** 20}MB` : `${sizeBytes / 2 ** 10}KB`;
}

/**
 * Huge pages: a maximum for every size that `isWritten` names, 0 where nothing is asked, on pages in use and on pages
 * reserved (a private mapping without reservation escapes the second, a full pool the first).
 */
export function hugePageSettings(
  host: CgroupHost,
  amounts: Amounts,
  origin: Origin,
  isWritten: (sizeBytes: number) => boolean,
): CgroupSetting[] {
  return host.hugePageSizesBytes.filter(isWritten).flatMap((sizeBytes) => {
    const [resource, bytes] = [...amounts].find(([name]) => hugePageSizeBytes(name) === sizeBytes) ??
      [null, 0];
    const from = resource === null ? null : origin(resource, "limits");
    const name = hugePageSizeName(sizeBytes);
    return [
      ...setting(host, 1, "hugetlb", `hugetlb.${name}.limit_in_bytes`, bytes, from),
      ...setting(host, 1, "hugetlb", `hugetlb.${name}.rsvd.limit_in_bytes`, bytes, from),
      ...setting(host, 2, "hugetlb", `hugetlb.${name}.max`, bytes, from),
      ...setting(host, 2, "hugetlb", `hugetlb.${name}.rsvd.max`, bytes, from),
    ];
  });
}
