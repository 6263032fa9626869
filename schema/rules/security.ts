import type {
  Capabilities,
  Container,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  Sysctl,
} from "../kubernetes/mod.ts";
import { type Fault, type NodePath, quoted } from "../source/mod.ts";
import { suggestWord } from "../structure/mod.ts";

/** 2^32 - 1 means "no change" to the kernel's calls, so it is no id. */
const MAX_ID = 2 ** 32 - 2;

/** Capabilities of linux/capability.h, without the prefix that Kubernetes leaves out. */
const CAPABILITIES = [
  ..."CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE".split(" "),
  ..."NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO".split(" "),
  ..."SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME".split(" "),
  ..."SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG".split(" "),
  ..."WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE".split(" "),
];

/** Kubernetes' safe sysctls: each belongs to a namespace of the pod and reaches no other pod. */
export const SAFE_SYSCTLS: readonly string[] = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
];

function* checkId(id: number | undefined, path: NodePath): Generator<Fault> {
  if (id === undefined || id >= 0 && id <= MAX_ID) return;
  yield { path, message: `${id} is not a user or group id: they go from 0 to ${MAX_ID}` };
}

function* checkSeccomp(profile: SeccompProfile | undefined, path: NodePath): Generator<Fault> {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  const at = [...path, "localhostProfile"];
  if (type !== "Localhost") {
    if (localhostProfile !== undefined) {
      yield {
        path: at,
        message: `a localhostProfile goes with the type Localhost, not with ${type}`,
        atKey: true,
      };
    }
  } else if (localhostProfile === undefined || localhostProfile === "") {
    yield { path, message: "the type Localhost needs a localhostProfile" };
  } else if (localhostProfile.startsWith("/") || localhostProfile.split("/").includes("..")) {
    yield {
      path: at,
      message: `the localhostProfile ${quoted(localhostProfile)} must be a relative path without ".."`,
    };
  }
}

function* checkSysctls(sysctls: Sysctl[], spec: PodSpec, path: NodePath): Generator<Fault> {
  const seen = new Map<string, number>();
  for (const [index, { name, value }] of sysctls.entries()) {
    const at = [...path, index, "name"];
    const dotted = name.includes("/")
      ? name.replaceAll(".", "\0").replaceAll("/", ".").replaceAll("\0", "/")
      : name;
    const earlier = seen.get(dotted);
    seen.set(dotted, index);
    if (!SAFE_SYSCTLS.includes(dotted)) {
      const suggestion = suggestWord(dotted, SAFE_SYSCTLS);
      const hint = suggestion
        ? `did you mean "${suggestion}"?`
        : `the safe ones are ${SAFE_SYSCTLS.join(", ")}`;
      yield { path: at, message: `the sysctl ${quoted(name)} is not in Kubernetes' safe set`, hint };
    } else if (earlier !== undefined) {
      const related = { path: [...path, earlier, "name"], message: "set here first" };
      yield { path: at, message: `the sysctl ${quoted(name)} is set twice`, related };
    } else if (spec.hostNetwork && dotted.startsWith("net.")) {
      yield { path: at, message: `the sysctl ${quoted(name)} is the machine's own under hostNetwork` };
    } else if (spec.hostIPC && dotted.startsWith("kernel.shm")) {
      yield { path: at, message: `the sysctl ${quoted(name)} is the machine's own under hostIPC` };
    }
    if (!/^[\x20-\x7e\t]*$/.test(value)) {
      yield {
        path: [...path, index, "value"],
        message: "the value of a sysctl is one line of printable ASCII",
      };
    }
  }
}

/** The security settings of the pod as a whole. */
export function* checkPodSecurity(spec: PodSpec): Generator<Fault> {
  const context: PodSecurityContext = spec.securityContext ?? {};
  const path = ["spec", "securityContext"];
  yield* checkId(context.runAsUser, [...path, "runAsUser"]);
  yield* checkId(context.runAsGroup, [...path, "runAsGroup"]);
  yield* checkId(context.fsGroup, [...path, "fsGroup"]);
  for (const [index, id] of (context.supplementalGroups ?? []).entries()) {
    yield* checkId(id, [...path, "supplementalGroups", index]);
  }
  yield* checkSeccomp(context.seccompProfile, [...path, "seccompProfile"]);
  yield* checkSysctls(context.sysctls ?? [], spec, [...path, "sysctls"]);
}

function* checkCapabilities(capabilities: Capabilities | undefined, path: NodePath): Generator<Fault> {
  for (const list of ["add", "drop"] as const) {
    for (const [index, name] of (capabilities?.[list] ?? []).entries()) {
      const bare = name.toUpperCase().replace(/^CAP_/, "");
      if (name === "ALL" || CAPABILITIES.includes(name.replace(/^CAP_/, ""))) continue;
      const suggestion = suggestWord(bare, [...CAPABILITIES, "ALL"]);
      const hint = suggestion === undefined ? "see capabilities(7)" : `did you mean "${suggestion}"?`;
      yield { path: [...path, list, index], message: `unknown capability ${quoted(name)}`, hint };
    }
  }
}

/** A container that asks for nobody's privileges and gets root all the same. */
function* checkRoot(spec: PodSpec, own: SecurityContext, path: NodePath): Generator<Fault> {
  const pod = spec.securityContext ?? {};
  const nonRoot = own.runAsNonRoot ?? pod.runAsNonRoot;
  const user = own.runAsUser ?? pod.runAsUser;
  if (!nonRoot || user !== 0) return;
  const at = own.runAsUser === undefined ? ["spec", "securityContext", "runAsUser"] : [...path, "runAsUser"];
  const from = own.runAsNonRoot === undefined
    ? ["spec", "securityContext", "runAsNonRoot"]
    : [...path, "runAsNonRoot"];
  const related = { path: from, message: "runAsNonRoot is set here" };
  yield { path: at, message: "runAsUser 0 is root, but runAsNonRoot is true", related };
}

function* checkEscalation(own: SecurityContext, path: NodePath): Generator<Fault> {
  if (own.allowPrivilegeEscalation !== false) return;
  const at = [...path, "allowPrivilegeEscalation"];
  if (own.privileged) {
    const related = { path: [...path, "privileged"], message: "privileged is set here" };
    yield { path: at, message: "allowPrivilegeEscalation cannot be false where privileged is true", related };
  }
  const index = own.capabilities?.add?.findIndex((name) => ["SYS_ADMIN", "CAP_SYS_ADMIN"].includes(name)) ??
    -1;
  if (index >= 0) {
    const related = { path: [...path, "capabilities", "add", index], message: "SYS_ADMIN is added here" };
    yield { path: at, message: "allowPrivilegeEscalation cannot be false where SYS_ADMIN is added", related };
  }
}

/** The security settings of one container, by themselves and against the pod's. */
export function* checkContainerSecurity(
  spec: PodSpec,
  container: Container,
  base: NodePath,
): Generator<Fault> {
  const own: SecurityContext = container.securityContext ?? {};
  const path = [...base, "securityContext"];
  yield* checkId(own.runAsUser, [...path, "runAsUser"]);
  yield* checkId(own.runAsGroup, [...path, "runAsGroup"]);
  yield* checkSeccomp(own.seccompProfile, [...path, "seccompProfile"]);
  yield* checkCapabilities(own.capabilities, [...path, "capabilities"]);
  yield* checkRoot(spec, own, path);
  yield* checkEscalation(own, path);
  if (own.procMount === "Unmasked" && spec.hostUsers !== false) {
    const hint = "set spec.hostUsers to false";
    yield { path: [...path, "procMount"], message: "procMount Unmasked needs a user namespace", hint };
  }
}
