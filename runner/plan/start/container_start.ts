import type { Container, VolumeMount } from "../../../schema/kubernetes/mod.ts";
import type { StartContext } from "./context.ts";
import type { ProcessSettings } from "./process.ts";

/** A device node, as a privileged container gets all of the machine's. */
export interface DeviceNode {
  /** Relative to /dev. */
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
}

/** What one attempt of a container is started from. */
export interface ContainerStart {
  readonly context: StartContext;
  readonly container: Container;
  /** The manifest path of the container. */
  readonly from: readonly (string | number)[];
  /** Counts from 0; each attempt has a cgroup, an upper layer and a log file of its own. */
  readonly attempt: number;
  /** Absolute paths of the image's layers, the topmost first. */
  readonly layers: readonly string[];
  /** Whether the lower layers are the machine's own root. */
  readonly hostRoot: boolean;
  readonly process: ProcessSettings;
  /** Absolute; made when it is missing. */
  readonly workingDirectory: string;
  /** The devices of a privileged container. */
  readonly devices: readonly DeviceNode[];
  /** The container's, with every subPathExpr expanded into subPath. */
  readonly volumeMounts: readonly VolumeMount[];
}

/** The directory of one attempt's upper layer. */
export function attemptDirectory(context: StartContext, container: string, attempt: number): string {
  return `${context.places.lib}/containers/${container}/${attempt}`;
}

/** Where a container writes its last words unless the manifest says otherwise. */
export const DEFAULT_TERMINATION_LOG = "/dev/termination-log";
