import { type DefinitionRow, rowsOf } from "./row.ts";

const meta = rowsOf("ObjectMeta");
const pod = rowsOf("Pod");
const configMap = rowsOf("ConfigMap");
const secret = rowsOf("Secret");

/** The fields of objects as such, of ConfigMaps and of Secrets. */
export const OBJECT_ROWS: readonly DefinitionRow[] = [
  meta.yes("name", "recreate", "The object's name, unique in its kind and namespace."),
  meta.yes("namespace", "recreate", "The namespace that the name is unique in.", { default: "default" }),
  meta.yes("labels", "live", "Short marks to select objects by."),
  meta.yes(
    "annotations",
    "live",
    "Free text; those under seedpod.dev reach what Kubernetes has no field for.",
  ),
  meta.neutral(
    "generateName",
    "recreate",
    "Pods made from templates are named by it; a manifest names its object itself.",
  ),
  meta.dropped("creationTimestamp", "When a server stored the object."),
  meta.dropped("deletionTimestamp", "When a server began to delete the object."),
  meta.dropped("deletionGracePeriodSeconds", "The grace that a server's deletion gives."),
  meta.dropped("managedFields", "Who wrote which field on a server."),
  meta.dropped("resourceVersion", "A server's version of the object."),
  meta.dropped("selfLink", "A server's path of the object."),
  meta.dropped("uid", "A server's identity of the object; seedpod gives its own."),
  meta.dropped("generation", "A server's count of edits; seedpod keeps its own."),
  meta.no("finalizers", "nothing would ever remove them here"),
  meta.no("ownerReferences", "owners are known only to the server that holds them"),
  pod.yes("apiVersion", "recreate", "The version of the kind: v1."),
  pod.yes("kind", "recreate", "The kind: Pod."),
  pod.yes("metadata", "live", "The pod's name, namespace, labels and annotations."),
  pod.yes("spec", "recreate", "What the pod is."),
  pod.dropped("status", "What a server observed; seedpod observes for itself."),
  configMap.yes("apiVersion", "live", "The version of the kind: v1."),
  configMap.yes("kind", "live", "The kind: ConfigMap."),
  configMap.yes("metadata", "live", "The ConfigMap's name, namespace, labels and annotations."),
  configMap.yes(
    "data",
    "live",
    "Text by key; what is mounted follows an edit, environment variables do not.",
  ),
  configMap.yes("binaryData", "live", "Bytes by key, written in base64."),
  configMap.yes("immutable", "live", "Refuse edits of the data.", { default: "false" }),
  secret.yes("apiVersion", "live", "The version of the kind: v1."),
  secret.yes("kind", "live", "The kind: Secret."),
  secret.yes("metadata", "live", "The Secret's name, namespace, labels and annotations."),
  secret.yes("data", "live", "Bytes by key, written in base64."),
  secret.yes("stringData", "live", "Text by key, written as it is; it wins over data."),
  secret.yes("immutable", "live", "Refuse edits of the data.", { default: "false" }),
  secret.yes("type", "recreate", "What the Secret is for, which says which keys it must have.", {
    default: "Opaque",
  }),
];
