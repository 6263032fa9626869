import type { ConfigMap, Container, Secret } from "../../../schema/kubernetes/mod.ts";
import type { Amounts } from "../resources/mod.ts";
import type { StartContext } from "../start/mod.ts";
import type { RootfsUsers } from "./rootfs_users.ts";

/** What an image says about its process: the OCI image's `config`, nothing left out. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** Empty for none. */
  readonly workingDir: string;
  /** `user` or `user:group`, names or numbers; empty for root. */
  readonly user: string;
}

/** The configuration of a rootfs that is no image: `host` and `dir:`. */
export const NO_IMAGE_CONFIG: ImageConfig = {
  entrypoint: [],
  cmd: ["/bin/sh"],
  env: [],
  workingDir: "/",
  user: "",
};

/** All that a container's process is resolved from. */
export interface ProcessInput {
  readonly context: StartContext;
  readonly container: Container;
  /** The manifest path of the container. */
  readonly from: readonly (string | number)[];
  /** The ConfigMaps of the pod's namespace, by name. */
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  /** The Secrets of the pod's namespace, by name; their data is base64. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly imageConfig: ImageConfig;
  /** The users and groups of the container's rootfs. */
  readonly rootfsUsers: RootfsUsers;
  /** The daemon's own bounding set of capabilities. */
  readonly boundingSet: bigint;
  /** The pod's addresses, the primary one first; none under which nobody reaches it. */
  readonly podIPs: readonly string[];
  /** The machine's addresses, the primary one first. */
  readonly hostIPs: readonly string[];
  readonly nodeName: string;
  /** What the machine has for pods, which variables show as the limit where there is none: `cpu` in millicores, `memory` and `ephemeral-storage` in bytes. */
  readonly allocatable: Amounts;
  /** The text of a Localhost seccomp profile, undefined when there is none of this name. */
  localhostProfile(name: string): string | undefined;
}
