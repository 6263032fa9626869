import {
  configKeyFault,
  type Container,
  dnsLabelFault,
  type EmptyDirVolumeSource,
  type HostPathVolumeSource,
  type KeyToPath,
  parseQuantity,
  type PodSpec,
  type Volume,
  type VolumeMount,
} from "../kubernetes/mod.ts";
import { type Fault, type NodePath, quoted } from "../source/mod.ts";
import { suggestWord } from "../structure/mod.ts";
import { checkNoNul, checkReferenceName } from "./environment.ts";
import { nameHint } from "./metadata.ts";
import { checkSize } from "./resources.ts";

const MAX_MODE = 0o777;

function* checkMode(mode: number | undefined, path: NodePath): Generator<Fault> {
  if (mode === undefined || mode >= 0 && mode <= MAX_MODE) return;
  const octal = String(mode);
  const decimal = /^[0-7]{3}$/.test(octal) ? ` or ${parseInt(octal, 8)}` : "";
  const hint = decimal === "" ? undefined : `did you mean 0${octal}${decimal}?`;
  yield { path, message: `${mode} is not a file mode: they go from 0 to 0777, which is ${MAX_MODE}`, hint };
}

/** Why `text` is not a path below some directory, or undefined. */
function relativeFault(text: string): string | undefined {
  if (text === "") return "is empty";
  if (text.startsWith("/")) return "must be relative";
  return text.split("/").includes("..") ? 'must not contain ".."' : undefined;
}

function* checkItems(items: KeyToPath[] | undefined, path: NodePath): Generator<Fault> {
  const seen = new Map<string, number>();
  for (const [index, item] of (items ?? []).entries()) {
    const at = [...path, "items", index];
    const keyFault = configKeyFault(item.key);
    if (keyFault) yield { path: [...at, "key"], message: `the key ${quoted(item.key)} ${keyFault}` };
    const fault = relativeFault(item.path) ??
      (item.path.startsWith("..") ? 'must not begin with ".."' : undefined);
    if (fault) yield { path: [...at, "path"], message: `the path ${quoted(item.path)} ${fault}` };
    yield* checkNoNul(item.path, [...at, "path"]);
    yield* checkMode(item.mode, [...at, "mode"]);
    const earlier = seen.get(item.path);
    seen.set(item.path, index);
    if (earlier === undefined) continue;
    const related = { path: [...path, "items", earlier, "path"], message: "used here first" };
    yield { path: [...at, "path"], message: `the path ${quoted(item.path)} is used twice`, related };
  }
}

function* checkEmptyDir({ medium = "", sizeLimit }: EmptyDirVolumeSource, path: NodePath): Generator<Fault> {
  const page = medium.startsWith("HugePages-") ? parseQuantity(medium.slice("HugePages-".length)) : undefined;
  if (!["", "Memory", "HugePages"].includes(medium) && !page) {
    const suggestion = suggestWord(medium, ["Memory", "HugePages"]);
    const hint = suggestion
      ? `did you mean "${suggestion}"?`
      : 'it is "", Memory, HugePages or HugePages-SIZE';
    yield { path: [...path, "medium"], message: `${quoted(medium)} is not a medium`, hint };
  }
  yield* checkSize(sizeLimit, [...path, "sizeLimit"]);
}

function* checkHostPath({ path: hostPath }: HostPathVolumeSource, path: NodePath): Generator<Fault> {
  const at = [...path, "path"];
  if (!hostPath.startsWith("/")) yield { path: at, message: `the path ${quoted(hostPath)} must be absolute` };
  else if (hostPath.split("/").includes("..")) {
    yield { path: at, message: `the path ${quoted(hostPath)} must not contain ".."` };
  }
  yield* checkNoNul(hostPath, at);
}

function* checkVolume(volume: Volume, path: NodePath): Generator<Fault> {
  const fault = dnsLabelFault(volume.name);
  if (fault) {
    yield {
      path: [...path, "name"],
      message: `the name ${quoted(volume.name)} ${fault}`,
      hint: nameHint(volume.name),
    };
  }
  const sources = Object.keys(volume).filter((field) => field !== "name");
  if (sources.length > 1) {
    yield {
      path,
      message: `the volume ${quoted(volume.name)} has more than one source: ${sources.join(" and ")}`,
    };
  }
  const { emptyDir, hostPath, configMap, secret } = volume;
  if (emptyDir) yield* checkEmptyDir(emptyDir, [...path, "emptyDir"]);
  if (hostPath) yield* checkHostPath(hostPath, [...path, "hostPath"]);
  if (configMap) {
    yield* checkReferenceName(configMap.name, "ConfigMap", [...path, "configMap", "name"]);
    yield* checkMode(configMap.defaultMode, [...path, "configMap", "defaultMode"]);
    yield* checkItems(configMap.items, [...path, "configMap"]);
  }
  if (secret) {
    yield* checkReferenceName(secret.secretName, "Secret", [...path, "secret", "secretName"]);
    yield* checkMode(secret.defaultMode, [...path, "secret", "defaultMode"]);
    yield* checkItems(secret.items, [...path, "secret"]);
  }
}

/** The volumes of a pod. */
export function* checkVolumes({ volumes = [] }: PodSpec): Generator<Fault> {
  const seen = new Map<string, number>();
  for (const [index, volume] of volumes.entries()) {
    const path = ["spec", "volumes", index];
    yield* checkVolume(volume, path);
    const earlier = seen.get(volume.name);
    seen.set(volume.name, index);
    if (earlier === undefined) continue;
    const related = { path: ["spec", "volumes", earlier, "name"], message: "used here first" };
    yield {
      path: [...path, "name"],
      message: `the volume name ${quoted(volume.name)} is used twice`,
      related,
    };
  }
}

/** An absolute path without its empty and `.` parts. */
function normalPath(path: string): string {
  return `/${path.split("/").filter((part) => part !== "" && part !== ".").join("/")}`;
}

function* checkMountPath(mountPath: string, path: NodePath): Generator<Fault> {
  const at = [...path, "mountPath"];
  if (!mountPath.startsWith("/")) {
    yield {
      path: at,
      message: `the mountPath ${quoted(mountPath)} must be absolute`,
      hint: `did you mean "/${mountPath}"?`,
    };
  } else if (normalPath(mountPath) === "/") {
    yield { path: at, message: "a volume cannot be mounted on the container's root" };
  } else if (mountPath.split("/").includes("..")) {
    yield { path: at, message: `the mountPath ${quoted(mountPath)} must not contain ".."` };
  } else if (mountPath.includes(":")) {
    yield { path: at, message: `the mountPath ${quoted(mountPath)} must not contain ":"` };
  }
  yield* checkNoNul(mountPath, at);
}

function* checkSubPath(mount: VolumeMount, path: NodePath): Generator<Fault> {
  for (const field of ["subPath", "subPathExpr"] as const) {
    const text = mount[field] ?? "";
    const fault = text === "" ? undefined : relativeFault(text);
    if (fault) yield { path: [...path, field], message: `the ${field} ${quoted(text)} ${fault}` };
    yield* checkNoNul(text, [...path, field]);
  }
  if (mount.subPath && mount.subPathExpr) {
    const related = { path: [...path, "subPath"], message: "the subPath" };
    yield {
      path: [...path, "subPathExpr"],
      message: "a mount has a subPath or a subPathExpr, not both",
      atKey: true,
      related,
    };
  }
}

function* checkMountModes(mount: VolumeMount, container: Container, path: NodePath): Generator<Fault> {
  const { mountPropagation = "None", recursiveReadOnly = "Disabled", readOnly = false } = mount;
  if (mountPropagation === "Bidirectional" && !container.securityContext?.privileged) {
    const hint = "set securityContext.privileged to true, or use HostToContainer";
    yield {
      path: [...path, "mountPropagation"],
      message: "Bidirectional is only for privileged containers",
      hint,
    };
  }
  const at = [...path, "recursiveReadOnly"];
  const options = ["Disabled", "IfPossible", "Enabled"];
  if (!options.includes(recursiveReadOnly)) {
    const hint = `it is one of ${options.join(", ")}`;
    yield { path: at, message: `${quoted(recursiveReadOnly)} is not a value of "recursiveReadOnly"`, hint };
  } else if (recursiveReadOnly !== "Disabled" && !readOnly) {
    yield { path: at, message: `recursiveReadOnly ${recursiveReadOnly} needs readOnly: true` };
  } else if (recursiveReadOnly !== "Disabled" && mountPropagation !== "None") {
    yield { path: at, message: `recursiveReadOnly ${recursiveReadOnly} needs mountPropagation None` };
  }
}

/** Where a container mounts the pod's volumes. */
export function* checkVolumeMounts(spec: PodSpec, container: Container, base: NodePath): Generator<Fault> {
  const names = (spec.volumes ?? []).map(({ name }) => name);
  const seen = new Map<string, number>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const path = [...base, "volumeMounts", index];
    if (!names.includes(mount.name)) {
      const suggestion = suggestWord(mount.name, names);
      const hint = suggestion === undefined ? "define it in spec.volumes" : `did you mean "${suggestion}"?`;
      yield { path: [...path, "name"], message: `the pod has no volume ${quoted(mount.name)}`, hint };
    }
    yield* checkMountPath(mount.mountPath, path);
    yield* checkSubPath(mount, path);
    yield* checkMountModes(mount, container, path);
    if (!mount.mountPath.startsWith("/")) continue;
    const normal = normalPath(mount.mountPath);
    const earlier = seen.get(normal);
    seen.set(normal, index);
    if (earlier === undefined) continue;
    const related = { path: [...base, "volumeMounts", earlier, "mountPath"], message: "used here first" };
    yield {
      path: [...path, "mountPath"],
      message: `the mountPath ${quoted(mount.mountPath)} is used twice`,
      related,
    };
  }
}
