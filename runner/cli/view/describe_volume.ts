import type { Volume, VolumeProjection } from "../../../schema/kubernetes/mod.ts";

type Row = readonly [name: string, value: string];

const optional = (flag: boolean | undefined): Row => ["Optional", String(flag === true)];

function projectionRows({ configMap, secret, downwardAPI, serviceAccountToken }: VolumeProjection): Row[] {
  if (configMap) return [["ConfigMapName", configMap.name ?? ""], optional(configMap.optional)];
  if (secret) return [["SecretName", secret.name ?? ""], optional(secret.optional)];
  if (downwardAPI) return [["DownwardAPI", "true"]];
  if (serviceAccountToken) {
    return [["TokenExpirationSeconds", String(serviceAccountToken.expirationSeconds ?? 3600)]];
  }
  return [];
}

/** What a volume is made of; a kind that has no rows of its own says its name. */
function volumeRows(volume: Volume): Row[] {
  const {
    emptyDir,
    hostPath,
    configMap,
    secret,
    projected,
    downwardAPI,
    persistentVolumeClaim: claim,
    image,
  } = volume;
  if (emptyDir) {
    return [
      ["Type", "EmptyDir (a temporary directory that shares a pod's lifetime)"],
      ["Medium", emptyDir.medium ?? ""],
      ["SizeLimit", emptyDir.sizeLimit ?? "<unset>"],
    ];
  }
  if (hostPath) {
    return [
      ["Type", "HostPath (bare host directory volume)"],
      ["Path", hostPath.path],
      ["HostPathType", hostPath.type ?? ""],
    ];
  }
  if (configMap) {
    return [
      ["Type", "ConfigMap (a volume populated by a ConfigMap)"],
      ["Name", configMap.name ?? ""],
      optional(configMap.optional),
    ];
  }
  if (secret) {
    return [
      ["Type", "Secret (a volume populated by a Secret)"],
      ["SecretName", secret.secretName ?? ""],
      optional(secret.optional),
    ];
  }
  if (projected) {
    const rows = (projected.sources ?? []).flatMap(projectionRows);
    return [["Type", "Projected (a volume that contains injected data from multiple sources)"], ...rows];
  }
  if (downwardAPI) return [["Type", "DownwardAPI (a volume populated by information about the pod)"]];
  if (claim) {
    return [
      ["Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)"],
      ["ClaimName", claim.claimName],
      ["ReadOnly", String(claim.readOnly === true)],
    ];
  }
  if (image) {
    return [["Type", "Image (a container image or OCI artifact)"], ["Reference", image.reference ?? ""]];
  }
  return [["Type", Object.keys(volume).find((key) => key !== "name") ?? "EmptyDir"]];
}

/** One volume, as `kubectl describe pod` shows it. */
export function volumeLines(volume: Volume): string[] {
  return [`  ${volume.name}:`, ...volumeRows(volume).map(([name, value]) => `    ${name}:\t${value}`)];
}
