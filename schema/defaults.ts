import {
  aggregateRequests,
  type ConfigMap,
  type Container,
  formatQuantity,
  type Pod,
  type PodSpec,
  type ResourceRequirements,
  type Secret,
  type Volume,
} from "./kubernetes/mod.ts";

/** What Kubernetes gives a file of a volume that names no mode. */
export const DEFAULT_FILE_MODE = 0o644;
/** The grace period of a pod that names none, in seconds. */
export const DEFAULT_GRACE_SECONDS = 30;
/** The namespace of an object that names none. */
export const DEFAULT_NAMESPACE = "default";

/** What Kubernetes can request for a pod as a whole from what its containers request. */
const POD_LEVEL_RESOURCES = ["cpu", "memory"];

/** The tag of an image reference decides the pull policy, as in Kubernetes. */
function defaultPullPolicy(image: string): "Always" | "IfNotPresent" {
  if (image === "host" || image.startsWith("dir:") || image.includes("@")) return "IfNotPresent";
  const tag = /:([^:/]+)$/.exec(image)?.[1] ?? "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

/** Requests that are not given are the limits. */
function defaultResources(resources: ResourceRequirements | undefined): ResourceRequirements {
  const { limits, requests } = resources ?? {};
  if (!limits) return { ...resources };
  return { ...resources, requests: { ...limits, ...requests } };
}

function defaultEnv(container: Container): Container["env"] {
  return container.env?.map((variable) => {
    const fieldRef = variable.valueFrom?.fieldRef;
    if (!variable.valueFrom) return { ...variable, value: variable.value ?? "" };
    if (!fieldRef) return variable;
    return { ...variable, valueFrom: { fieldRef: { ...fieldRef, apiVersion: fieldRef.apiVersion ?? "v1" } } };
  });
}

function defaultContainer(container: Container, hostNetwork: boolean): Container {
  const env = defaultEnv(container);
  return {
    ...container,
    imagePullPolicy: container.imagePullPolicy ?? defaultPullPolicy(container.image ?? ""),
    terminationMessagePath: container.terminationMessagePath || "/dev/termination-log",
    terminationMessagePolicy: container.terminationMessagePolicy ?? "File",
    resources: defaultResources(container.resources),
    ...(env ? { env } : {}),
    ...(container.ports && {
      ports: container.ports.map((port) => ({
        ...port,
        protocol: port.protocol ?? "TCP",
        ...(hostNetwork ? { hostPort: port.hostPort ?? port.containerPort } : {}),
      })),
    }),
    ...(container.securityContext && {
      securityContext: {
        ...container.securityContext,
        procMount: container.securityContext.procMount ?? "Default",
      },
    }),
  };
}

function defaultVolume(volume: Volume): Volume {
  const { configMap, secret, hostPath } = volume;
  if (configMap) {
    return {
      ...volume,
      configMap: { ...configMap, defaultMode: configMap.defaultMode ?? DEFAULT_FILE_MODE },
    };
  }
  if (secret) {
    return { ...volume, secret: { ...secret, defaultMode: secret.defaultMode ?? DEFAULT_FILE_MODE } };
  }
  if (hostPath) return { ...volume, hostPath: { ...hostPath, type: hostPath.type ?? "" } };
  return Object.keys(volume).length === 1 ? { ...volume, emptyDir: {} } : volume;
}

/** Pod-level requests that are not given are what the containers request, or else the pod-level limits. */
function defaultPodResources(spec: PodSpec): Pick<PodSpec, "resources"> {
  const limits = spec.resources?.limits;
  if (!spec.resources || !limits) return spec.resources ? { resources: spec.resources } : {};
  const inContainers = Object.entries(aggregateRequests(spec))
    .filter(([name]) => POD_LEVEL_RESOURCES.includes(name))
    .map(([name, amount]) => [name, formatQuantity(amount)]);
  const requests = { ...limits, ...Object.fromEntries(inContainers), ...spec.resources.requests };
  return { resources: { ...spec.resources, requests } };
}

/** The text of stringData belongs to the data, where it wins. */
function mergeStringData(secret: Secret): Secret {
  const { stringData, ...rest } = secret;
  if (!stringData) return rest;
  const data: Record<string, string> = { ...rest.data };
  for (const [key, text] of Object.entries(stringData)) {
    const value = new TextEncoder().encode(text).toBase64();
    Object.defineProperty(data, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return { ...rest, data };
}

function defaultSpec(spec: PodSpec): PodSpec {
  const hostNetwork = spec.hostNetwork ?? false;
  const fill = (container: Container) => defaultContainer(container, hostNetwork);
  return {
    ...spec,
    restartPolicy: spec.restartPolicy ?? "Always",
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
    dnsPolicy: spec.dnsPolicy ?? "ClusterFirst",
    enableServiceLinks: spec.enableServiceLinks ?? true,
    schedulerName: spec.schedulerName ?? "default-scheduler",
    securityContext: spec.securityContext ?? {},
    ...defaultPodResources(spec),
    ...(spec.volumes && { volumes: spec.volumes.map(defaultVolume) }),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(fill) }),
    containers: spec.containers.map(fill),
  };
}

/** Kubernetes' defaults for a validated object; the answer shares what needs none with the argument. */
export function applyDefaults<T extends Pod | ConfigMap | Secret>(object: T): T {
  const metadata = { ...object.metadata, namespace: object.metadata?.namespace || DEFAULT_NAMESPACE };
  switch (object.kind) {
    case "Pod":
      return { ...object, metadata, ...(object.spec && { spec: defaultSpec(object.spec) }) };
    case "ConfigMap":
      return { ...object, metadata };
    case "Secret":
      return { ...mergeStringData(object), metadata, type: object.type ?? "Opaque" } as T;
  }
}
