/** How a pod is started: PodSpec and facts of the machine become programs. */
export { addContainer, addContainerHost, containerCloneFlags, hasOwnPidNamespace } from "./container.ts";
export {
  attemptDirectory,
  type ContainerStart,
  DEFAULT_TERMINATION_LOG,
  type DeviceNode,
} from "./container_start.ts";
export {
  type CompletePod,
  containerCgroup,
  type HostFacts,
  podCgroup,
  podHostname,
  type PodPlaces,
  rootId,
  type StartContext,
  type UserNamespace,
} from "./context.ts";
export { type PassedSource, Passing } from "./passing.ts";
export { DEFAULT_PATH, type Identity, type ProcessSettings } from "./process.ts";
export { addSandbox, addSandboxHost, sandboxCloneFlags, sandboxOomScoreAdj } from "./sandbox.ts";
export { addExec, addExecHost, type ExecStart, type ExecStreams } from "./exec.ts";
export { layerMountPoint } from "./rootfs.ts";
