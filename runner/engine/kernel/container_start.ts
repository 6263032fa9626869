import { SeedpodError } from "../../base/mod.ts";
import { listDevices, readRootfsUsers } from "../../linux/mod.ts";
import {
  type ContainerStart,
  NO_IMAGE_CONFIG,
  podContainers,
  type ResolvedProcess,
  resolveProcess,
  type StartContext,
} from "../../plan/mod.ts";
import type { DesiredPod } from "../../state/mod.ts";
import { type Machine, readSeccompProfile } from "./machine.ts";
import { byName } from "./start.ts";

/** The machine's root as an image. */
const HOST_IMAGE = "host";
/** What a directory as an image begins with. */
const DIRECTORY_PREFIX = "dir:";

/** The directory behind an image reference, and whether it is the machine's root. */
export function imageRoot(image: string): { path: string; hostRoot: boolean } {
  if (image === HOST_IMAGE) return { path: "/", hostRoot: true };
  const path = image.slice(DIRECTORY_PREFIX.length);
  if (!image.startsWith(DIRECTORY_PREFIX) || !path.startsWith("/")) {
    throw new SeedpodError(
      `Cannot use image "${image}": it is neither "host" nor "dir:" with an absolute path`,
      {
        fault: "user",
      },
    );
  }
  if (!isDirectory(path)) {
    throw new SeedpodError(`Cannot use image "${image}": there is no such directory`, { fault: "user" });
  }
  return { path: Deno.realPathSync(path), hostRoot: false };
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** The process of a container: command, environment, identity, limits of what it may do. */
export function processOfContainer(
  machine: Machine,
  desired: DesiredPod,
  context: StartContext,
  name: string,
): ResolvedProcess {
  const { container, from } = findContainer(desired, name);
  const { facts } = machine;
  const hostIPs = machine.hostIP ? [machine.hostIP] : [];
  return resolveProcess({
    context,
    container,
    from,
    configMaps: byName(desired.configMaps),
    secrets: byName(desired.secrets),
    imageConfig: NO_IMAGE_CONFIG,
    rootfsUsers: readRootfsUsers(imageRoot(container.image ?? "").path),
    boundingSet: machine.boundingSet,
    podIPs: desired.pod.spec.hostNetwork ? hostIPs : [],
    hostIPs,
    nodeName: facts.hostname,
    allocatable: new Map([["cpu", facts.cgroups.cpus * 1000], ["memory", facts.cgroups.memoryBytes]]),
    localhostProfile: (profile) => readSeccompProfile(machine.root, profile),
  });
}

function findContainer(desired: DesiredPod, name: string): ReturnType<typeof podContainers>[number] {
  const found = podContainers(desired.pod).find((each) => each.container.name === name);
  if (!found) {
    throw new SeedpodError(`Cannot find container "${name}" in pod "${desired.pod.metadata.name}"`, {
      fault: "user",
    });
  }
  return found;
}

/** All that the programs of one attempt are made from. */
export function containerStart(
  machine: Machine,
  desired: DesiredPod,
  context: StartContext,
  name: string,
  attempt: number,
): ContainerStart {
  const { container, from } = findContainer(desired, name);
  const image = imageRoot(container.image ?? "");
  const resolved = processOfContainer(machine, desired, context, name);
  return {
    context,
    container,
    from,
    attempt,
    layers: [image.path],
    hostRoot: image.hostRoot,
    process: resolved.process,
    workingDirectory: resolved.workingDirectory,
    devices: container.securityContext?.privileged ? listDevices() : [],
    volumeMounts: resolved.volumeMounts,
  };
}
