/** Layer 3: the volumes of a pod, as detached mounts. */
export { type EmptyDirUsage, emptyDirUsage } from "./empty_dir.ts";
export { configMapPayload, type Payload, type PayloadFile, secretPayload } from "./payload.ts";
export type { VolumesRequest } from "./request.ts";
export { addVolumes, type PreparedVolume } from "./volumes.ts";
