/** Layer 3: the pod's PID 1: its executable, its launch, its clients. */
export { infraBinaryUrl, infraExecutable } from "./binary.ts";
export { INFRA_SOCKET, InfraClient, type InfraListener, takeDescriptor } from "./client.ts";
export { type SandboxLaunch, StageZero } from "./launch.ts";
export { type IdRange, makeUserNamespace } from "./user_namespace.ts";
export type { InfraEvent, LogSettings, ProcessState, SpawnRequest } from "./protocol.ts";
