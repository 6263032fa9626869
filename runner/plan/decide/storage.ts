import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  quantityBytes,
} from "../../../schema/kubernetes/mod.ts";
import type { CompletePod } from "../start/mod.ts";
import { podContainers } from "./pod_state.ts";

/** What a pod has written to disk, in bytes. */
export interface StorageUse {
  /** By container: the upper layer of its rootfs and its logs. */
  readonly containers: ReadonlyMap<string, number>;
  /** By emptyDir on disk. */
  readonly emptyDirs: ReadonlyMap<string, number>;
}

function limitOf(limits: Record<string, string> | undefined): number | undefined {
  const limit = limits?.["ephemeral-storage"];
  return limit === undefined ? undefined : quantityBytes(limit);
}

/** Whether anything of the pod limits what it writes to disk. */
export function hasStorageLimits(pod: CompletePod): boolean {
  const containers = podContainers(pod).some((each) =>
    limitOf(each.container.resources?.limits) !== undefined
  );
  const volumes = (pod.spec.volumes ?? []).some((volume) =>
    volume.emptyDir?.sizeLimit !== undefined && !volume.emptyDir.medium
  );
  return containers || volumes || limitOf(pod.spec.resources?.limits) !== undefined;
}

/**
 * Why the pod is to be evicted for what it wrote to disk, in kubelet's words; undefined when it is within its limits.
 * https://kubernetes.io/docs/concepts/storage/ephemeral-storage/#ephemeral-storage-consumption-management
 */
export function storageExcess(pod: CompletePod, use: StorageUse): string | undefined {
  for (const volume of pod.spec.volumes ?? []) {
    const limit = volume.emptyDir?.medium ? undefined : volume.emptyDir?.sizeLimit;
    if (limit !== undefined && (use.emptyDirs.get(volume.name) ?? 0) > quantityBytes(limit)) {
      return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${limit}". `;
    }
  }
  const podLimit = podStorageLimit(pod);
  const total = [...use.containers.values(), ...use.emptyDirs.values()].reduce(
    (sum, bytes) => sum + bytes,
    0,
  );
  if (podLimit !== undefined && total > quantityBytes(podLimit)) {
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${podLimit}. `;
  }
  for (const { container } of podContainers(pod)) {
    const limit = limitOf(container.resources?.limits);
    if (limit !== undefined && (use.containers.get(container.name) ?? 0) > limit) {
      const shown = container.resources?.limits?.["ephemeral-storage"];
      return `Container ${container.name} exceeded its local ephemeral storage limit "${shown}". `;
    }
  }
  return undefined;
}

/** The pod's own limit, or the sum of its containers' when every one has a limit: a quantity. */
function podStorageLimit(pod: CompletePod): string | undefined {
  const own = pod.spec.resources?.limits?.["ephemeral-storage"];
  if (own !== undefined) return own;
  const limits = pod.spec.containers.map(({ resources }) => resources?.limits?.["ephemeral-storage"]);
  const parsed = limits.map((limit) => limit === undefined ? undefined : parseQuantity(limit));
  return parsed.every((limit) => limit !== undefined)
    ? formatQuantity(parsed.reduce((sum, limit) => addQuantities(sum, limit)))
    : undefined;
}
