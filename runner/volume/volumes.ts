import type { Volume } from "../../schema/kubernetes/mod.ts";
import { type ProgramBuilder, resultOf, type Step } from "../plan/mod.ts";
import { addVolumeMountPoint, volumePropagation } from "../plan/mod.ts";
import { addPayload } from "./atomic_writer.ts";
import { addEmptyDir } from "./empty_dir.ts";
import { addHostPath } from "./host_path.ts";
import { configMapPayload, secretPayload } from "./payload.ts";
import { refuseVolume, type VolumeContext, type VolumesRequest } from "./request.ts";

/** A volume of a pod, made. */
export interface PreparedVolume {
  readonly name: string;
  /** The step whose result is a descriptor of the detached mount. */
  readonly tree: Step;
}

/**
 * Adds everything that the volumes of a pod need on the host's side, in the order of `spec.volumes`: directories, file
 * systems, their content, and their mount points in the sandbox. Can be run again after a crash at any step.
 *
 * Throws a {@linkcode SeedpodError} for what can be known to be wrong before anything runs: a missing ConfigMap, Secret or
 * key, a path that is not allowed, huge pages that are not there, a kind of volume that seedpod does not know.
 */
export function addVolumes(builder: ProgramBuilder, request: VolumesRequest): PreparedVolume[] {
  const spec = request.pod.spec!;
  return (spec.volumes ?? []).map((volume, index) => {
    const context: VolumeContext = {
      builder,
      request,
      volume,
      name: `mount volume "${volume.name}"`,
      from: ["spec", "volumes", index],
      propagation: volumePropagation(spec, volume),
      fsGroup: spec.securityContext?.fsGroup,
    };
    const tree = addVolume(context);
    addVolumeMountPoint(builder, request.mountPoints, volume, resultOf(tree), { from: context.from });
    return { name: volume.name, tree };
  });
}

function addVolume(context: VolumeContext): Step {
  const { volume, request } = context;
  const namespace = request.pod.metadata?.namespace ?? "default";
  if (volume.emptyDir) return addEmptyDir(context, volume.emptyDir);
  if (volume.hostPath) return addHostPath(context, volume.hostPath);
  if (volume.configMap) {
    const payload = configMapPayload(volume.name, volume.configMap, request.configMaps, namespace);
    return addPayload(context, payload, false);
  }
  if (volume.secret) {
    return addPayload(context, secretPayload(volume.name, volume.secret, request.secrets, namespace), true);
  }
  return refuseVolume(context, `seedpod has no volumes of type "${kindName(volume)}"`);
}

function kindName(volume: Volume): string {
  return Object.keys(volume).find((key) => key !== "name") ?? "";
}
