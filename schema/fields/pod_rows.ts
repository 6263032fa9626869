import { type DefinitionRow, rowsOf } from "./row.ts";

const spec = rowsOf("PodSpec");
const security = rowsOf("PodSecurityContext");
const resources = rowsOf("ResourceRequirements");
const os = rowsOf("PodOS");
const alias = rowsOf("HostAlias");
const sysctl = rowsOf("Sysctl");
const seccomp = rowsOf("SeccompProfile");
const appArmor = rowsOf("AppArmorProfile");

const ONE_MACHINE = "seedpod runs pods on this one machine";

const SPEC: readonly DefinitionRow[] = [
  spec.yes("containers", "restart", "The containers, at least one; they start together."),
  spec.yes(
    "initContainers",
    "recreate",
    "Containers that run first, one after the other; with restartPolicy Always, sidecars.",
  ),
  spec.yes("volumes", "recreate", "What containers can mount."),
  spec.yes("restartPolicy", "live", "Which ends of a container start it again.", { default: "Always" }),
  spec.yes("terminationGracePeriodSeconds", "live", "Seconds between SIGTERM and SIGKILL.", {
    default: "30",
  }),
  spec.yes("activeDeadlineSeconds", "live", "Seconds after which a running pod fails."),
  spec.yes("hostNetwork", "recreate", "Use the machine's network namespace.", { default: "false" }),
  spec.yes("hostPID", "recreate", "Use the machine's PID namespace.", { default: "false" }),
  spec.yes("hostIPC", "recreate", "Use the machine's IPC namespace.", { default: "false" }),
  spec.yes("hostUsers", "recreate", "False gives the pod a user namespace of its own.", { default: "true" }),
  spec.yes("shareProcessNamespace", "recreate", "The containers see each other's processes.", {
    default: "false",
  }),
  spec.yes("securityContext", "recreate", "Users, groups and kernel settings of the whole pod.", {
    default: "{}",
  }),
  spec.yes("hostname", "recreate", "The host name inside the pod.", { default: "the pod's name" }),
  spec.yes("subdomain", "recreate", "The part of the full name after the host name."),
  spec.yes("setHostnameAsFQDN", "recreate", "Make the host name the full one.", { default: "false" }),
  spec.yes("hostAliases", "recreate", "More lines of /etc/hosts."),
  spec.yes("resources", "live", "What the whole pod asks for and may use."),
  spec.yes("os", "recreate", "The operating system: linux."),
  spec.neutral("dnsPolicy", "recreate", "Pods resolve names as the machine does.", {
    default: "ClusterFirst",
    neutral: ["ClusterFirst", "ClusterFirstWithHostNet", "Default"],
  }),
  spec.neutral("enableServiceLinks", "recreate", "There are no Services whose variables could be set.", {
    default: "true",
  }),
  spec.neutral("schedulerName", "live", "There is no scheduler to choose.", {
    default: "default-scheduler",
    neutral: ["default-scheduler"],
  }),
  spec.neutral("serviceAccountName", "live", "There is no account but this.", { neutral: ["default"] }),
  spec.neutral("serviceAccount", "live", "There is no account but this.", { neutral: ["default"] }),
  spec.neutral("automountServiceAccountToken", "live", "There is no token that could be mounted.", {
    neutral: [false],
  }),
  spec.neutral("tolerations", "live", "There are no taints that need tolerating."),
  spec.neutral("preemptionPolicy", "live", "No pod ever preempts another."),
  spec.neutral("priority", "live", "Only the default priority so far.", { neutral: [0] }),
  spec.no("affinity", ONE_MACHINE),
  spec.no("nodeName", ONE_MACHINE),
  spec.no("nodeSelector", ONE_MACHINE),
  spec.no("topologySpreadConstraints", ONE_MACHINE),
  spec.no("schedulingGates", ONE_MACHINE),
  spec.no("schedulingGroup", ONE_MACHINE),
  spec.no("ephemeralContainers", "they are added to running pods, never declared; use `seedpod exec`"),
  spec.no("imagePullSecrets", "images of registries are not supported yet"),
  spec.no("dnsConfig", "pods resolve names as the machine does"),
  spec.no("hostnameOverride", "set hostname instead"),
  spec.no("overhead", "there are no runtime classes"),
  spec.no("priorityClassName", "there are no priority classes"),
  spec.no("readinessGates", "nothing sets their conditions"),
  spec.no("resourceClaims", "there are no device drivers"),
  spec.no("runtimeClassName", "there is one runtime: seedpod"),
];

const SECURITY: readonly DefinitionRow[] = [
  security.yes("runAsUser", "recreate", "The user id of the containers' first processes."),
  security.yes("runAsGroup", "recreate", "Their primary group id.", { default: "0" }),
  security.yes("runAsNonRoot", "recreate", "Refuse to start a container as user 0.", { default: "false" }),
  security.yes("fsGroup", "recreate", "A group that owns the pod's volumes and that every process is in."),
  security.yes("fsGroupChangePolicy", "recreate", "When the volumes are given to fsGroup.", {
    default: "Always",
  }),
  security.yes("supplementalGroups", "recreate", "More groups of the first processes."),
  security.yes("supplementalGroupsPolicy", "recreate", "Whether the image's groups are added.", {
    default: "Merge",
  }),
  security.yes("sysctls", "recreate", "Kernel settings of the pod's namespaces."),
  security.yes("seccompProfile", "recreate", "Which system calls the containers may make.", {
    default: "RuntimeDefault",
  }),
  security.neutral("appArmorProfile", "recreate", "seedpod loads no AppArmor profiles.", {
    neutral: [{ type: "Unconfined" }],
  }),
  security.neutral("seLinuxOptions", "recreate", "seedpod sets no SELinux labels.", { neutral: [{}] }),
  security.no("seLinuxChangePolicy", "seedpod sets no SELinux labels"),
  security.no("windowsOptions", "pods are Linux here"),
  sysctl.yes("name", "recreate", "The setting, as net.ipv4.ip_unprivileged_port_start."),
  sysctl.yes("value", "recreate", "Its value, as text."),
  seccomp.yes("type", "recreate", "RuntimeDefault, Unconfined, or Localhost with a profile of the machine."),
  seccomp.yes("localhostProfile", "recreate", "The profile's path below seedpod's seccomp directory."),
  appArmor.no("type", "seedpod loads no AppArmor profiles"),
  appArmor.no("localhostProfile", "seedpod loads no AppArmor profiles"),
];

const PARTS: readonly DefinitionRow[] = [
  resources.yes(
    "limits",
    "live",
    "The most that may be used: cpu, memory, ephemeral-storage, hugepages-SIZE.",
  ),
  resources.yes("requests", "live", "What is kept free for it.", { default: "the limits" }),
  resources.no("claims", "there are no device drivers"),
  os.yes("name", "recreate", "The operating system: linux."),
  alias.yes("ip", "recreate", "The address."),
  alias.yes("hostnames", "recreate", "Its names."),
];

/** The fields of a PodSpec and of what belongs to the pod as a whole. */
export const POD_ROWS: readonly DefinitionRow[] = [...SPEC, ...SECURITY, ...PARTS];
