import type { ObjectMeta, Pod, PodSpec } from "../../../schema/kubernetes/mod.ts";
import { type Arch, MAX_HOST_NAME_BYTES, SeedpodError } from "../../base/mod.ts";
import type { KernelVersion } from "../hardening/mod.ts";
import type { FsParameter } from "../idioms.ts";
import type { CgroupHost } from "../resources/mod.ts";

/** What of the machine decides over how a pod is started. Read once a process. */
export interface HostFacts {
  readonly arch: Arch;
  readonly kernel: KernelVersion;
  /** The highest capability that the kernel knows, from /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  readonly cgroups: CgroupHost;
  /** The cgroup that holds every pod of this root, such as `seedpod`. */
  readonly cgroupParent: string;
  /** The machine's host name. */
  readonly hostname: string;
  /** The machine's /etc/hosts, which pods on the machine's network see. */
  readonly hostsFile: string;
  /** Files and directories that containers must not see, relative to / and present on this machine. */
  readonly maskedFiles: readonly string[];
  readonly maskedDirectories: readonly string[];
  /** Paths below /proc that containers may only read, relative to /proc and present on this machine. */
  readonly readOnlyProc: readonly string[];
  /** The most open files that a process may be allowed here. */
  readonly maxOpenFiles: number;
}

/** Where a pod's things are. Absolute paths without symlinks, in directories that only root may enter. */
export interface PodPlaces {
  /** In the run directory, in memory: sockets, mount points. */
  readonly run: string;
  /** On disk: what containers and emptyDirs write. */
  readonly lib: string;
  /** The CRI log files. */
  readonly logs: string;
  /** Directories of seedpod's own that `image: host` must not show. */
  readonly hidden: readonly string[];
}

/** The ids of a pod with `hostUsers: false`. */
export interface UserNamespace {
  /** A descriptor of the namespace in the daemon. */
  readonly fd: number;
  /** The host's id that is root in the pod. */
  readonly firstHostId: number;
  /** How many ids there are. */
  readonly count: number;
}

/** A pod as `schema` hands it on: defaulted, with a name, a namespace and a spec. */
export interface CompletePod extends Pod {
  readonly metadata: ObjectMeta & { readonly name: string; readonly namespace: string };
  readonly spec: PodSpec;
}

/** All that the programs of one pod are made from. */
export interface StartContext {
  readonly uid: string;
  readonly pod: CompletePod;
  readonly facts: HostFacts;
  readonly places: PodPlaces;
  /** Null when the pod's users are the host's. */
  readonly userNamespace: UserNamespace | null;
}

/** The host's id of the pod's root. */
export function rootId(context: StartContext): number {
  return context.userNamespace?.firstHostId ?? 0;
}

/** The parameters of a tmpfs that belongs to the pod's root. */
export function ownerParameters(context: StartContext): FsParameter[] {
  const owner = String(rootId(context));
  return context.userNamespace ? [["uid", owner], ["gid", owner]] : [];
}

/** The cgroup of a pod below the mount points of the hierarchies. */
export function podCgroup(facts: HostFacts, uid: string): string {
  return `${facts.cgroupParent}/pod${uid}`;
}

/** The cgroup of one attempt of a container: a fresh one each time, so that its counters are that attempt's alone. */
export function containerCgroup(facts: HostFacts, uid: string, container: string, attempt: number): string {
  return `${podCgroup(facts, uid)}/ctr-${container}-${attempt}`;
}

/** The host name that the pod's processes see, and the domain behind it, as kubelet makes them from the spec. */
export function podHostname(pod: CompletePod): { hostname: string; fqdn: string | undefined } {
  const spec = pod.spec;
  const name = spec.hostname ?? pod.metadata.name;
  const hostname = name.slice(0, 63).replace(/[-.]+$/, "");
  const fqdn = spec.subdomain
    ? `${hostname}.${spec.subdomain}.${pod.metadata.namespace}.svc.cluster.local`
    : undefined;
  return { hostname, fqdn };
}

/** The host name that the kernel shows in the pod, as kubelet has it set. Throws for a domain name that is too long for it. */
export function shownHostname(context: StartContext): string {
  const { pod, facts } = context;
  if (pod.spec.hostNetwork) return facts.hostname;
  const { hostname, fqdn } = podHostname(pod);
  const shown = pod.spec.setHostnameAsFQDN && fqdn ? fqdn : hostname;
  if (shown.length <= MAX_HOST_NAME_BYTES) return shown;
  const subject = `the host of pod "${pod.metadata.name}"`;
  throw new SeedpodError(
    `Cannot name ${subject} "${shown}": it has ${shown.length} characters, and the kernel takes ${MAX_HOST_NAME_BYTES}`,
    { fault: "user", hint: "Shorten hostname or subdomain, or remove setHostnameAsFQDN" },
  );
}
