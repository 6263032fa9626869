import {
  dnsLabelFault,
  dnsSubdomainFault,
  isIPv4,
  isIPv6,
  type Pod,
  type PodSpec,
} from "../kubernetes/mod.ts";
import { type Fault, quoted } from "../source/mod.ts";
import { checkPodAnnotations } from "./annotations.ts";
import { checkContainer } from "./container.ts";
import { checkPodResources } from "./resources.ts";
import { checkPodSecurity } from "./security.ts";
import { checkVolumes } from "./volume.ts";

const MAX_INT32 = 2 ** 31 - 1;
/** Containers, and volumes, of one pod: more than its 4096 processes allow, and cheap to compare with each other. */
const MAX_PARTS = 1000;

function* checkNamespaces(spec: PodSpec): Generator<Fault> {
  if (spec.hostPID && spec.shareProcessNamespace) {
    const related = { path: ["spec", "hostPID"], message: "hostPID is set here" };
    const message = "shareProcessNamespace and hostPID cannot both be true";
    yield { path: ["spec", "shareProcessNamespace"], message, related };
  }
  if (spec.hostUsers !== false) return;
  for (const field of ["hostNetwork", "hostPID", "hostIPC"] as const) {
    if (!spec[field]) continue;
    const related = { path: ["spec", "hostUsers"], message: "hostUsers is false here" };
    yield { path: ["spec", field], message: `${field} cannot be true where hostUsers is false`, related };
  }
}

function* checkTimes(spec: PodSpec): Generator<Fault> {
  const { terminationGracePeriodSeconds: grace = 0, activeDeadlineSeconds: deadline = 1 } = spec;
  if (grace < 0) {
    yield {
      path: ["spec", "terminationGracePeriodSeconds"],
      message: `${grace} seconds of grace are less than none`,
    };
  }
  if (deadline < 1 || deadline > MAX_INT32) {
    const message = `a deadline is 1 to ${MAX_INT32} seconds, not ${deadline}`;
    yield { path: ["spec", "activeDeadlineSeconds"], message };
  }
}

function* checkHostNames(spec: PodSpec): Generator<Fault> {
  for (const field of ["hostname", "subdomain"] as const) {
    const text = spec[field] ?? "";
    const fault = text === "" ? undefined : dnsLabelFault(text);
    if (fault) yield { path: ["spec", field], message: `the ${field} ${quoted(text)} ${fault}` };
  }
  for (const [index, alias] of (spec.hostAliases ?? []).entries()) {
    const path = ["spec", "hostAliases", index];
    if (!isIPv4(alias.ip) && !isIPv6(alias.ip)) {
      yield { path: [...path, "ip"], message: `${quoted(alias.ip)} is not an IP address` };
    }
    for (const [position, name] of (alias.hostnames ?? []).entries()) {
      const fault = dnsSubdomainFault(name);
      if (fault) {
        yield { path: [...path, "hostnames", position], message: `the host name ${quoted(name)} ${fault}` };
      }
    }
  }
}

function* checkContainers(spec: PodSpec): Generator<Fault> {
  const path = ["spec", "containers"];
  if (spec.containers.length === 0) yield { path, message: "a pod has at least one container", atKey: true };
  const seen = new Map<string, (string | number)[]>();
  for (const list of ["initContainers", "containers"] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const at = ["spec", list, index];
      yield* checkContainer(spec, container, list, at);
      const earlier = seen.get(container.name);
      seen.set(container.name, [...at, "name"]);
      if (!earlier) continue;
      const related = { path: earlier, message: "used here first" };
      const message = `the container name ${quoted(container.name)} is used twice`;
      yield { path: [...at, "name"], message, related };
    }
  }
}

function* checkNumbers(spec: PodSpec): Generator<Fault> {
  for (const list of ["containers", "initContainers", "volumes"] as const) {
    const count = spec[list]?.length ?? 0;
    if (count > MAX_PARTS) {
      yield {
        path: ["spec", list],
        message: `a pod has at most ${MAX_PARTS} ${list}, not ${count}`,
        atKey: true,
      };
    }
  }
}

function* checkHostPorts(spec: PodSpec): Generator<Fault> {
  const seen = new Map<string, (string | number)[]>();
  for (const [index, container] of spec.containers.entries()) {
    for (const [position, port] of (container.ports ?? []).entries()) {
      if (!spec.hostNetwork) return;
      const path = ["spec", "containers", index, "ports", position, "containerPort"];
      const key = `${port.protocol ?? "TCP"} ${port.containerPort}`;
      const earlier = seen.get(key);
      seen.set(key, path);
      if (!earlier) continue;
      const message = `the machine's port ${port.containerPort} is used twice`;
      yield { path, message, related: { path: earlier, message: "used here first" } };
    }
  }
}

/** Kubernetes' rules for a pod, beyond the types of its fields. */
export function* checkPod(pod: Pod): Generator<Fault> {
  yield* checkPodAnnotations(pod);
  const { spec } = pod;
  if (!spec) {
    yield { path: [], message: 'the field "spec" is missing in Pod' };
    return;
  }
  const tooMany = checkNumbers(spec).toArray();
  if (tooMany.length > 0) return yield* tooMany;
  if (spec.os && spec.os.name !== "linux") {
    yield {
      path: ["spec", "os", "name"],
      message: `${quoted(spec.os.name)} pods cannot run here`,
      hint: "linux",
    };
  }
  yield* checkNamespaces(spec);
  yield* checkTimes(spec);
  yield* checkHostNames(spec);
  yield* checkPodSecurity(spec);
  yield* checkVolumes(spec);
  yield* checkContainers(spec);
  yield* checkHostPorts(spec);
  yield* checkPodResources(pod);
}
