/** What a container's process is made of: its command line, variables, identity and confinement, from its manifest. Pure. */
export { expandVariables } from "./expansion.ts";
export { type ImageConfig, NO_IMAGE_CONFIG, type ProcessInput } from "./process_input.ts";
export { type ResolvedProcess, resolveProcess } from "./resolve_process.ts";
export {
  EMPTY_ROOTFS_USERS,
  type GroupEntry,
  parseGroup,
  parsePasswd,
  type PasswdEntry,
  type RootfsUsers,
} from "./rootfs_users.ts";
export { expandVolumeMounts } from "./volume_mounts.ts";
