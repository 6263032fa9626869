import {
  type Container,
  type ContainerPort,
  dnsLabelFault,
  type PodSpec,
  portNameFault,
} from "../kubernetes/mod.ts";
import { type Fault, type NodePath, quoted } from "../source/mod.ts";
import { checkEnvironment, checkNoNul } from "./environment.ts";
import { nameHint } from "./metadata.ts";
import { checkResources } from "./resources.ts";
import { checkContainerSecurity } from "./security.ts";
import { checkVolumeMounts } from "./volume.ts";

const MAX_PORT = 65535;
const DIRECTORY_IMAGE = "dir:";

function* checkImage({ name, image = "" }: Container, path: NodePath): Generator<Fault> {
  const at = [...path, "image"];
  if (image === "host") return;
  if (image === "") {
    const hint = "`image: host` runs on the machine's own files";
    yield { path: at, message: `the container ${quoted(name)} has no image`, hint };
  } else if (!image.startsWith(DIRECTORY_IMAGE)) {
    const hint = 'use "host" for the machine\'s own files, or "dir:PATH" for a directory';
    yield {
      path: at,
      message: `the image ${quoted(image)} is of a registry, which seedpod does not support yet`,
      hint,
    };
  } else if (image.slice(DIRECTORY_IMAGE.length).trim() === "") {
    yield { path: at, message: `the image ${quoted(image)} names no directory` };
  }
  yield* checkNoNul(image, at);
}

function* checkPort(port: ContainerPort, hostNetwork: boolean, path: NodePath): Generator<Fault> {
  for (const field of ["containerPort", "hostPort"] as const) {
    const number = port[field];
    if (number === undefined || number >= 1 && number <= MAX_PORT || field === "hostPort" && number === 0) {
      continue;
    }
    yield { path: [...path, field], message: `${number} is not a port: they go from 1 to ${MAX_PORT}` };
  }
  const fault = port.name ? portNameFault(port.name) : undefined;
  if (fault) yield { path: [...path, "name"], message: `the port name ${quoted(port.name!)} ${fault}` };
  if (!port.hostPort) return;
  if (!hostNetwork) {
    const hint = "the pod's own address serves the port; or use hostNetwork";
    yield {
      path: [...path, "hostPort"],
      message: "publishing ports is not supported yet",
      hint,
      atKey: true,
    };
  } else if (port.hostPort !== port.containerPort) {
    const message =
      `with hostNetwork, hostPort ${port.hostPort} must equal containerPort ${port.containerPort}`;
    yield { path: [...path, "hostPort"], message };
  }
}

function* checkPorts(spec: PodSpec, ports: ContainerPort[], path: NodePath): Generator<Fault> {
  const seen = new Map<string, number>();
  for (const [index, port] of ports.entries()) {
    yield* checkPort(port, spec.hostNetwork ?? false, [...path, index]);
    if (!port.name) continue;
    const earlier = seen.get(port.name);
    seen.set(port.name, index);
    if (earlier === undefined) continue;
    const related = { path: [...path, earlier, "name"], message: "used here first" };
    yield {
      path: [...path, index, "name"],
      message: `the port name ${quoted(port.name)} is used twice`,
      related,
    };
  }
}

function* checkProcess(container: Container, path: NodePath): Generator<Fault> {
  for (const field of ["command", "args"] as const) {
    for (const [index, text] of (container[field] ?? []).entries()) {
      yield* checkNoNul(text, [...path, field, index]);
    }
  }
  for (const field of ["workingDir", "terminationMessagePath"] as const) {
    const text = container[field] ?? "";
    yield* checkNoNul(text, [...path, field]);
    if (text !== "" && !text.startsWith("/")) {
      yield { path: [...path, field], message: `the ${field} ${quoted(text)} must be absolute` };
    }
  }
}

/** One container of `list` of a pod. */
export function* checkContainer(
  spec: PodSpec,
  container: Container,
  list: "containers" | "initContainers",
  path: NodePath,
): Generator<Fault> {
  const fault = dnsLabelFault(container.name);
  if (fault) {
    const hint = nameHint(container.name);
    yield { path: [...path, "name"], message: `the name ${quoted(container.name)} ${fault}`, hint };
  }
  if (container.restartPolicy !== undefined && list === "containers") {
    const message = "a restartPolicy of a container that is not an init container is not supported yet";
    yield {
      path: [...path, "restartPolicy"],
      message,
      hint: "set spec.restartPolicy for the pod",
      atKey: true,
    };
  } else if (container.restartPolicy !== undefined && container.restartPolicy !== "Always") {
    const message = `${
      quoted(container.restartPolicy)
    } is not supported yet as an init container's restartPolicy`;
    yield { path: [...path, "restartPolicy"], message, hint: "Always makes it a sidecar" };
  }
  yield* checkImage(container, path);
  yield* checkProcess(container, path);
  yield* checkPorts(spec, container.ports ?? [], [...path, "ports"]);
  yield* checkEnvironment(spec, container, path);
  yield* checkResources(container.resources, [...path, "resources"], "container");
  yield* checkVolumeMounts(spec, container, path);
  yield* checkContainerSecurity(spec, container, path);
}
