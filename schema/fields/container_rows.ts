import { type DefinitionRow, rowsOf } from "./row.ts";

const container = rowsOf("Container");
const port = rowsOf("ContainerPort");
const env = rowsOf("EnvVar");
const envSource = rowsOf("EnvVarSource");
const envFrom = rowsOf("EnvFromSource");
const configMapEnv = rowsOf("ConfigMapEnvSource");
const secretEnv = rowsOf("SecretEnvSource");
const configMapKey = rowsOf("ConfigMapKeySelector");
const secretKey = rowsOf("SecretKeySelector");
const field = rowsOf("ObjectFieldSelector");
const resourceField = rowsOf("ResourceFieldSelector");
const security = rowsOf("SecurityContext");
const capabilities = rowsOf("Capabilities");
const mount = rowsOf("VolumeMount");

const PROBES = "probes are not supported yet";

const CONTAINER: readonly DefinitionRow[] = [
  container.yes("name", "recreate", "The container's name, unique in the pod."),
  container.yes("image", "restart", "`host` for the machine's own files, or `dir:PATH` for a directory."),
  container.yes("command", "restart", "The program and its first arguments; $(NAME) is expanded."),
  container.yes("args", "restart", "More arguments; $(NAME) is expanded."),
  container.yes("workingDir", "restart", "The working directory.", { default: "/" }),
  container.yes("env", "restart", "Environment variables."),
  container.yes("envFrom", "restart", "Environment variables, one for each key of a ConfigMap or Secret."),
  container.yes(
    "ports",
    "live",
    "Ports that the container serves; for people and for names, nothing is opened or closed by them.",
  ),
  container.yes("resources", "live", "What the container asks for and may use.", { default: "{}" }),
  container.yes("restartPolicy", "recreate", "Always makes an init container a sidecar."),
  container.yes("volumeMounts", "restart", "Where the pod's volumes appear."),
  container.yes("securityContext", "restart", "Users, privileges and kernel restrictions of the container."),
  container.yes("stdin", "restart", "Keep standard input open.", { default: "false" }),
  container.yes("tty", "restart", "Give the container a terminal.", { default: "false" }),
  container.yes("terminationMessagePath", "restart", "The file whose content becomes the end's message.", {
    default: "/dev/termination-log",
  }),
  container.yes("terminationMessagePolicy", "live", "Whether the log stands in for an empty message file.", {
    default: "File",
  }),
  container.neutral("imagePullPolicy", "live", "Local images are never pulled.", { default: "IfNotPresent" }),
  container.neutral("stdinOnce", "restart", "Standard input stays open for the container's life.", {
    neutral: [false],
  }),
  container.no("livenessProbe", PROBES),
  container.no("readinessProbe", PROBES),
  container.no("startupProbe", PROBES),
  container.no("lifecycle", "hooks are not supported yet"),
  container.no("resizePolicy", "live resizes are not supported yet"),
  container.no("restartPolicyRules", "the pod's restartPolicy decides"),
  container.no("volumeDevices", "raw block volumes are not supported yet"),
  port.yes("containerPort", "live", "The port that the container serves."),
  port.yes("name", "live", "The port's name, unique in the pod."),
  port.yes("protocol", "live", "TCP, UDP or SCTP.", { default: "TCP" }),
  port.yes("hostPort", "live", "With hostNetwork, the same port; otherwise not supported yet."),
  port.no("hostIP", "publishing ports is not supported yet"),
];

const ENVIRONMENT: readonly DefinitionRow[] = [
  env.yes("name", "restart", "The variable's name."),
  env.yes("value", "restart", "Its value; $(NAME) is expanded.", { default: '""' }),
  env.yes("valueFrom", "restart", "Where its value comes from."),
  envSource.yes("configMapKeyRef", "restart", "A key of a ConfigMap."),
  envSource.yes("secretKeyRef", "restart", "A key of a Secret."),
  envSource.yes("fieldRef", "restart", "A field of the pod."),
  envSource.yes("resourceFieldRef", "restart", "A request or limit of a container."),
  envSource.no("fileKeyRef", "read the file in the command instead"),
  envFrom.yes("prefix", "restart", "Put before each key."),
  envFrom.yes("configMapRef", "restart", "The ConfigMap."),
  envFrom.yes("secretRef", "restart", "The Secret."),
  configMapEnv.yes("name", "restart", "The ConfigMap's name."),
  configMapEnv.yes("optional", "restart", "It may be absent.", { default: "false" }),
  secretEnv.yes("name", "restart", "The Secret's name."),
  secretEnv.yes("optional", "restart", "It may be absent.", { default: "false" }),
  configMapKey.yes("name", "restart", "The ConfigMap's name."),
  configMapKey.yes("key", "restart", "The key."),
  configMapKey.yes("optional", "restart", "It may be absent.", { default: "false" }),
  secretKey.yes("name", "restart", "The Secret's name."),
  secretKey.yes("key", "restart", "The key."),
  secretKey.yes("optional", "restart", "It may be absent.", { default: "false" }),
  field.yes("fieldPath", "restart", "The field, as metadata.name."),
  field.yes("apiVersion", "restart", "The version of the path: v1.", { default: "v1" }),
  resourceField.yes("containerName", "restart", "The container.", { default: "this one" }),
  resourceField.yes("resource", "restart", "The resource, as limits.memory."),
  resourceField.yes("divisor", "restart", "What the number counts in.", { default: "1" }),
];

const SECURITY: readonly DefinitionRow[] = [
  security.yes("runAsUser", "restart", "The user id of the first process; it wins over the pod's."),
  security.yes("runAsGroup", "restart", "Its primary group id; it wins over the pod's."),
  security.yes("runAsNonRoot", "restart", "Refuse to start as user 0."),
  security.yes("privileged", "restart", "All capabilities and devices, nothing masked.", {
    default: "false",
  }),
  security.yes("allowPrivilegeEscalation", "restart", "False sets no_new_privs.", { default: "true" }),
  security.yes("readOnlyRootFilesystem", "restart", "Mount the root file system read-only.", {
    default: "false",
  }),
  security.yes("capabilities", "restart", "Capabilities to add and to drop."),
  security.yes("procMount", "restart", "Unmasked leaves /proc open; it needs hostUsers: false.", {
    default: "Default",
  }),
  security.yes("seccompProfile", "restart", "Which system calls it may make; it wins over the pod's."),
  security.neutral("appArmorProfile", "restart", "seedpod loads no AppArmor profiles.", {
    neutral: [{ type: "Unconfined" }],
  }),
  security.neutral("seLinuxOptions", "restart", "seedpod sets no SELinux labels.", { neutral: [{}] }),
  security.no("windowsOptions", "pods are Linux here"),
  capabilities.yes("add", "restart", "Capabilities beyond the default set, or ALL."),
  capabilities.yes("drop", "restart", "Capabilities taken from the default set, or ALL."),
];

const MOUNT: readonly DefinitionRow[] = [
  mount.yes("name", "restart", "The volume."),
  mount.yes("mountPath", "restart", "Where it appears in the container."),
  mount.yes("readOnly", "restart", "Mount it read-only.", { default: "false" }),
  mount.yes("recursiveReadOnly", "restart", "Make the mounts below it read-only as well.", {
    default: "Disabled",
  }),
  mount.yes("subPath", "restart", "The path inside the volume to mount."),
  mount.yes("subPathExpr", "restart", "The same, with $(NAME) expanded."),
  mount.yes("mountPropagation", "restart", "Whether later mounts are seen across.", { default: "None" }),
];

/** The fields of a container and of what it holds. */
export const CONTAINER_ROWS: readonly DefinitionRow[] = [...CONTAINER, ...ENVIRONMENT, ...SECURITY, ...MOUNT];
