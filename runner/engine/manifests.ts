import { MAX_MANIFEST_FILES, messageOf, SeedpodError } from "../base/mod.ts";
import type { CompletePod } from "../plan/mod.ts";
import type { ConfigMap, Diagnostic, LocatedObject, ManifestFile, Secret } from "../../schema/mod.ts";

/** A pod as manifests declare it, with the objects that it refers to. */
export interface DeclaredPod {
  readonly pod: CompletePod;
  readonly configMaps: readonly ConfigMap[];
  readonly secrets: readonly Secret[];
  /** Two declarations with the same hash ask for the same. */
  readonly hash: string;
  /** Finds the place in the manifest that a path comes from. */
  locate(path: readonly (string | number)[]): { file: string; line: number; column: number };
  /** The diagnostic of something that this machine cannot do of what stands there. */
  diagnose(path: readonly (string | number)[], message: string): Diagnostic;
}

/** What manifests declare, or why they cannot be used: with an error among the diagnostics there are no pods. */
export interface DeclaredPods {
  readonly pods: readonly DeclaredPod[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the manifests that a person names: files, directories (their .yaml, .yml and .json, sorted), or `-`. */
export async function readManifests(names: readonly string[]): Promise<DeclaredPods> {
  // a third of a command's start: loaded by those that read manifests alone
  const { hasErrors, MAX_FILE_BYTES, parseManifests } = await import("../../schema/mod.ts");
  const files: ManifestFile[] = [];
  for (const name of names) {
    if (name === "-") files.push({ file: "-", text: await readBounded(Deno.stdin, MAX_FILE_BYTES) });
    else {for (const path of filesOf(name)) {
        files.push({ file: path, text: await readFile(path, MAX_FILE_BYTES) });
      }}
  }
  const { objects, diagnostics } = parseManifests(files);
  if (hasErrors(diagnostics)) return { pods: [], diagnostics };
  return { pods: await Promise.all(declaredPods(objects)), diagnostics };
}

function cannotRead(path: string, error: unknown): SeedpodError {
  const state = error instanceof Deno.errors.NotFound
    ? "there is no such file"
    : error instanceof Deno.errors.PermissionDenied
    ? "this user may not read it"
    : messageOf(error);
  return new SeedpodError(`Cannot read manifest "${path}": ${state}`, { fault: "user" });
}

function filesOf(name: string): string[] {
  try {
    if (!Deno.statSync(name).isDirectory) return [name];
  } catch (error) {
    throw cannotRead(name, error);
  }
  const entries = [...Deno.readDirSync(name)]
    .filter((entry) => !entry.isDirectory && /^[^.].*\.(yaml|yml|json)$/.test(entry.name))
    .map((entry) => `${name.replace(/\/+$/, "")}/${entry.name}`).sort();
  if (entries.length === 0) {
    throw new SeedpodError(`Cannot find manifests in "${name}": it has no .yaml, .yml or .json file`, {
      fault: "user",
    });
  }
  if (entries.length > MAX_MANIFEST_FILES) {
    throw new SeedpodError(
      `Cannot read "${name}": it has ${entries.length} manifests, at most ${MAX_MANIFEST_FILES} are read`,
      {
        fault: "user",
      },
    );
  }
  return entries;
}

/** Reads one byte more than is allowed at most, so that a file that is too large is told from one that just fits. */
async function readBounded(
  source: { read(into: Uint8Array): Promise<number | null> },
  maxBytes: number,
): Promise<Uint8Array> {
  const room = new Uint8Array(maxBytes + 1);
  let length = 0;
  while (length < room.length) {
    const count = await source.read(room.subarray(length));
    if (count === null) break;
    length += count;
  }
  return room.slice(0, length);
}

async function readFile(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    return await readBounded(file, maxBytes);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function declaredPods(objects: readonly LocatedObject[]): Promise<DeclaredPod>[] {
  return objects.flatMap((located) => {
    if (located.kind !== "Pod") return [];
    const pod = located.object as CompletePod;
    const { namespace } = pod.metadata;
    const inNamespace = objects.filter((each) => each.object.metadata?.namespace === namespace);
    const { configMaps: mapNames, secrets: secretNames } = referencesOf(pod);
    const configMaps = inNamespace.flatMap((each) =>
      each.kind === "ConfigMap" && mapNames.has(each.object.metadata?.name ?? "") ? [each.object] : []
    );
    const secrets = inNamespace.flatMap((each) =>
      each.kind === "Secret" && secretNames.has(each.object.metadata?.name ?? "") ? [each.object] : []
    );
    return [declare(located, pod, configMaps, secrets)];
  });
}

async function declare(
  located: LocatedObject,
  pod: CompletePod,
  configMaps: readonly ConfigMap[],
  secrets: readonly Secret[],
): Promise<DeclaredPod> {
  const bytes = new TextEncoder().encode(JSON.stringify([pod, configMaps, secrets]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const locate: DeclaredPod["locate"] = (path) => located.locate(path);
  const diagnose: DeclaredPod["diagnose"] = (path, message) => located.diagnose(path, message);
  return { pod, configMaps, secrets, hash: digest.toHex(), locate, diagnose };
}

/** The names of the ConfigMaps and Secrets that a pod refers to: what it is declared with. */
function referencesOf(pod: CompletePod): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.configMap?.name) configMaps.add(volume.configMap.name);
    if (volume.secret?.secretName) secrets.add(volume.secret.secretName);
  }
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    for (const source of container.envFrom ?? []) {
      if (source.configMapRef?.name) configMaps.add(source.configMapRef.name);
      if (source.secretRef?.name) secrets.add(source.secretRef.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      if (valueFrom?.configMapKeyRef?.name) configMaps.add(valueFrom.configMapKeyRef.name);
      if (valueFrom?.secretKeyRef?.name) secrets.add(valueFrom.secretKeyRef.name);
    }
  }
  return { configMaps, secrets };
}
