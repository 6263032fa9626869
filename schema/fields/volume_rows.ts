import { type DefinitionRow, rowsOf } from "./row.ts";

const volume = rowsOf("Volume");
const emptyDir = rowsOf("EmptyDirVolumeSource");
const hostPath = rowsOf("HostPathVolumeSource");
const configMap = rowsOf("ConfigMapVolumeSource");
const secret = rowsOf("SecretVolumeSource");
const item = rowsOf("KeyToPath");

/** The fields of volumes. */
export const VOLUME_ROWS: readonly DefinitionRow[] = [
  volume.yes("name", "recreate", "The volume's name, unique in the pod."),
  volume.yes("emptyDir", "recreate", "A directory that lives as long as the pod."),
  volume.yes("hostPath", "recreate", "A file or directory of the machine."),
  volume.yes("configMap", "recreate", "The keys of a ConfigMap as files."),
  volume.yes("secret", "recreate", "The keys of a Secret as files."),
  emptyDir.yes("medium", "recreate", "Memory, HugePages, or the disk.", { default: '""' }),
  emptyDir.yes("sizeLimit", "recreate", "The most that it may hold."),
  hostPath.yes("path", "recreate", "The path on the machine."),
  hostPath.yes("type", "recreate", "What must be there, or is made.", { default: '""' }),
  configMap.yes("name", "recreate", "The ConfigMap's name."),
  configMap.yes("items", "live", "The keys to show, and their paths.", { default: "all" }),
  configMap.yes("defaultMode", "live", "The files' mode.", { default: "0644" }),
  configMap.yes("optional", "recreate", "It may be absent.", { default: "false" }),
  secret.yes("secretName", "recreate", "The Secret's name."),
  secret.yes("items", "live", "The keys to show, and their paths.", { default: "all" }),
  secret.yes("defaultMode", "live", "The files' mode.", { default: "0644" }),
  secret.yes("optional", "recreate", "It may be absent.", { default: "false" }),
  item.yes("key", "live", "The key."),
  item.yes("path", "live", "Its path below the mount."),
  item.yes("mode", "live", "Its mode.", { default: "defaultMode" }),
  volume.no("projected", "projected volumes are not supported yet"),
  volume.no("downwardAPI", "downwardAPI volumes are not supported yet"),
  volume.no(
    "persistentVolumeClaim",
    "persistent volumes are not supported yet; a hostPath volume outlives its pods",
  ),
  volume.no("ephemeral", "persistent volumes are not supported yet; an emptyDir lives as long as its pod"),
  volume.no("image", "images of registries are not supported yet"),
  volume.no("nfs", "mount it on the machine and use a hostPath volume"),
  volume.no("gitRepo", "Kubernetes has removed it"),
];
