import type { Fault, NodePath } from "../source/mod.ts";
import { rowOf } from "./table.ts";

type Fields = Record<string, unknown>;

/** The volume that a cluster adds to every pod for its API server's token. */
const TOKEN_VOLUME = /^kube-api-access-[a-z0-9]{5}$/;
/** Fields that a cluster fills in when it places or owns a pod. */
const PLACEMENT: NodePath[] = [["spec", "nodeName"], ["metadata", "ownerReferences"]];

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function without(fields: Fields, dropped: (field: string) => boolean): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !dropped(field)));
}

function isTokenVolume(item: unknown): boolean {
  return isFields(item) && typeof item.name === "string" && TOKEN_VOLUME.test(item.name);
}

/** A cluster adds it last; only there can it be left out without moving what the other indices mean. */
function withoutToken(items: unknown[]): unknown[] {
  return isTokenVolume(items.at(-1)) ? items.slice(0, -1) : items;
}

function dropTokenMounts(containers: unknown): unknown {
  if (!Array.isArray(containers)) return containers;
  return containers.map((container) =>
    isFields(container) && Array.isArray(container.volumeMounts)
      ? { ...container, volumeMounts: withoutToken(container.volumeMounts) }
      : container
  );
}

/** What only a cluster can give is left out, and each such thing is said. */
function dropClusterParts(value: Fields): { value: Fields; faults: Fault[] } {
  const faults: Fault[] = [];
  const result = { ...value };
  for (const [parent, field] of PLACEMENT as [string, string][]) {
    const fields = result[parent];
    if (!isFields(fields) || fields[field] === undefined) continue;
    result[parent] = without(fields, (name) => name === field);
    const message =
      `\`${parent}.${field}\` was set by the cluster that this object comes from; it is left out`;
    faults.push({ path: [parent, field], message, severity: "warning", atKey: true });
  }
  const spec = result.spec;
  const volumes: unknown[] = isFields(spec) && Array.isArray(spec.volumes) ? spec.volumes : [];
  const index = volumes.length - 1;
  if (!isFields(spec) || !isTokenVolume(volumes[index])) return { value: result, faults };
  result.spec = {
    ...spec,
    volumes: withoutToken(volumes),
    containers: dropTokenMounts(spec.containers),
    ...(spec.initContainers === undefined ? {} : { initContainers: dropTokenMounts(spec.initContainers) }),
  };
  const message = "the cluster's API token was mounted here; there is none on this machine, it is left out";
  faults.push({ path: ["spec", "volumes", index, "name"], message, severity: "warning" });
  return { value: result, faults };
}

/**
 * Leaves out what a server wrote into an object that `kubectl get -o yaml` shows: `status` and the server's own
 * metadata, silently, as kubectl apply does; and, with a warning, what a cluster added to the pod.
 */
export function dropServerFields(value: Fields): { value: Fields; faults: Fault[] } {
  const metadata = value.metadata;
  const fromServer = isFields(metadata) && typeof metadata.uid === "string";
  const kept = without(value, (field) => rowOf("Pod", field).support === "dropped");
  if (!isFields(metadata)) return { value: kept, faults: [] };
  kept.metadata = without(metadata, (field) => rowOf("ObjectMeta", field).support === "dropped");
  return fromServer ? dropClusterParts(kept) : { value: kept, faults: [] };
}
