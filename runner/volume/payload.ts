/** The files of configMap and secret volumes as data: what they hold, apart from how they are written. */
import type {
  ConfigMap,
  ConfigMapVolumeSource,
  KeyToPath,
  Secret,
  SecretVolumeSource,
} from "../../schema/kubernetes/mod.ts";
import { MAX_VOLUME_FILE_NAME_BYTES, MAX_VOLUME_PATH_BYTES, SeedpodError } from "../base/mod.ts";

/** One file of a volume. */
export interface PayloadFile {
  readonly bytes: Uint8Array;
  /** Permission bits, as the manifest gives them. */
  readonly mode: number;
}

/** The files of a volume by their paths, which are relative, normal and do not collide. */
export type Payload = ReadonlyMap<string, PayloadFile>;

/** Where an error says it happened, and whose object is missing what. */
interface Subject {
  /** Completes `Cannot …`. */
  readonly name: string;
  /** Such as `ConfigMap "web" in namespace "default"`. */
  readonly object: string;
  readonly optional: boolean;
}

function refuse(subject: Subject, state: string, hint?: string): never {
  throw new SeedpodError(`Cannot ${subject.name}: ${state}`, { fault: "user", ...(hint ? { hint } : {}) });
}

/**
 * The files of a configMap volume. Throws a {@linkcode SeedpodError} when the ConfigMap, or a key that `items` names, is
 * missing and not optional, or a path is not allowed.
 */
export function configMapPayload(
  volume: string,
  source: ConfigMapVolumeSource,
  configMaps: ReadonlyMap<string, ConfigMap>,
  namespace: string,
): Payload {
  const map = configMaps.get(source.name ?? "");
  const object = `ConfigMap "${source.name ?? ""}" in namespace "${namespace}"`;
  const subject = { name: `mount volume "${volume}"`, object, optional: source.optional ?? false };
  const contents = map && new Map([
    ...Object.entries(map.data ?? {}).map(([key, value]) => [key, () => encoder.encode(value)] as const),
    ...Object.entries(map.binaryData ?? {}).map(([key, value]) =>
      [key, () => decodeBase64(subject, key, value)] as const
    ),
  ]);
  return payloadOf(subject, contents, source.items, source.defaultMode);
}

/** The files of a secret volume; throws as {@linkcode configMapPayload} does. */
export function secretPayload(
  volume: string,
  source: SecretVolumeSource,
  secrets: ReadonlyMap<string, Secret>,
  namespace: string,
): Payload {
  const secret = secrets.get(source.secretName ?? "");
  const object = `Secret "${source.secretName ?? ""}" in namespace "${namespace}"`;
  const subject = { name: `mount volume "${volume}"`, object, optional: source.optional ?? false };
  const contents = secret && new Map(
    Object.entries(secret.data ?? {}).map(([key, value]) =>
      [key, () => decodeBase64(subject, key, value)] as const
    ),
  );
  return payloadOf(subject, contents, source.items, source.defaultMode);
}

const encoder = new TextEncoder();
const DEFAULT_MODE = 0o644;

function decodeBase64(subject: Subject, key: string, value: string): Uint8Array {
  try {
    return Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  } catch {
    refuse(subject, `key "${key}" of the ${subject.object} is not base64`);
  }
}

function payloadOf(
  subject: Subject,
  contents: ReadonlyMap<string, () => Uint8Array> | undefined,
  items: readonly KeyToPath[] | undefined,
  defaultMode = DEFAULT_MODE,
): Payload {
  if (!contents) {
    if (subject.optional) return new Map();
    refuse(subject, `there is no ${subject.object}`, "Add it to the manifests, or say optional: true");
  }
  const wanted: readonly KeyToPath[] = items ?? [...contents.keys()].map((key) => ({ key, path: key }));
  const files = new Map<string, PayloadFile>();
  for (const { key, path, mode } of wanted) {
    const content = contents.get(key);
    if (content) files.set(normalPath(subject, path), { bytes: content(), mode: mode ?? defaultMode });
    else if (!subject.optional) {
      refuse(
        subject,
        `the ${subject.object} has no key "${key}"`,
        "Correct the key, or say optional: true",
      );
    }
  }
  refuseCollisions(subject, files);
  return files;
}

/** A path by kubelet's rules: relative, without `..`, and nothing that begins with `..` at its top. */
function normalPath(subject: Subject, path: string): string {
  const parts = path.split("/");
  const normal = parts.filter((part) => part !== "" && part !== ".");
  const state = path.startsWith("/")
    ? "is not relative"
    : normal.length === 0
    ? "names no file"
    : normal.includes("..")
    ? 'contains ".."'
    : normal[0]!.startsWith("..")
    ? 'begins with ".."'
    : encoder.encode(path).length > MAX_VOLUME_PATH_BYTES
    ? `has more than ${MAX_VOLUME_PATH_BYTES} bytes`
    : normal.some((part) => encoder.encode(part).length > MAX_VOLUME_FILE_NAME_BYTES)
    ? `has a name of more than ${MAX_VOLUME_FILE_NAME_BYTES} bytes`
    : path.includes("\0")
    ? "contains a NUL"
    : undefined;
  if (state) refuse(subject, `path ${JSON.stringify(path)} ${state}`);
  return normal.join("/");
}

/** The directories that the files of a payload lie in, parents first. */
export function directoriesOf(payload: Payload): string[] {
  const directories = new Set<string>();
  for (const path of payload.keys()) {
    const parts = path.split("/");
    for (let length = 1; length < parts.length; length++) directories.add(parts.slice(0, length).join("/"));
  }
  return [...directories].toSorted();
}

function refuseCollisions(subject: Subject, files: Payload): void {
  for (const directory of directoriesOf(files)) {
    if (files.has(directory)) refuse(subject, `path "${directory}" is both a file and a directory`);
  }
}
