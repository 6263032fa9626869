import { checkDocument, type ManifestObject, objectNodes } from "./document.ts";
import type { ConfigMap, Pod, Secret } from "./kubernetes/mod.ts";
import { checkReferences, type ReferenceLookup } from "./references.ts";
import {
  type Diagnostic,
  type Fault,
  faultDiagnostic,
  locateNode,
  MAX_DIAGNOSTICS_PER_FILE,
  MAX_DOCUMENTS_PER_FILE,
  MAX_FAULTS_PER_FILE,
  type NodePath,
  type Position,
  quoted,
  type ReadFile,
  readManifestFile,
  type SourceText,
  spanAt,
  type YamlNode,
} from "./source/mod.ts";

/** A manifest file's name and content. */
export interface ManifestFile {
  /** The name that diagnostics show. */
  file: string;
  /** Its content: text, or bytes of UTF-8. */
  text: string | Uint8Array;
}

/** What every located object has besides its kind and its object. */
interface Place {
  /** The file that declares it. */
  file: string;
  /** Which object of the file it is, from 0; the objects of a List count one by one. */
  document: number;
  /**
   * Where the file says what stands at `path` of the object; where it does not say it (a default), the nearest
   * ancestor that it does say.
   */
  locate(path: NodePath): Position;
  /** The diagnostic of something wrong there that the manifest language cannot know of, such as what a machine lacks. */
  diagnose(path: NodePath, message: string): Diagnostic;
}

/** A valid, complete object, which knows where its parts were written. */
export type LocatedObject =
  | Place & { kind: "Pod"; object: Pod }
  | Place & { kind: "ConfigMap"; object: ConfigMap }
  | Place & { kind: "Secret"; object: Secret };

/** What {@linkcode parseManifests} makes of files. */
export interface ParsedManifests {
  /** The valid objects, in the order of the files. */
  objects: LocatedObject[];
  /** Everything wrong or doubtful, in the order of the files and their lines. */
  diagnostics: Diagnostic[];
}

/** What was found at an offset of a file; a diagnostic is made only of those that are shown. */
interface Finding {
  source: SourceText;
  start: number;
  isError: boolean;
  diagnostic(): Diagnostic;
}

/** A document of a file, valid or not. */
interface Candidate {
  source: SourceText;
  root: YamlNode;
  /** `Kind namespace/name`, as far as the document says it. */
  identity: string;
  located: LocatedObject | undefined;
}

/** True where one of `diagnostics` forbids to go on. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

function identityOf(kind: string, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}

function textAt(root: YamlNode, path: NodePath): string {
  const { node, depth } = locateNode(root, path);
  return depth === path.length && node.kind === "scalar" && typeof node.value === "string" ? node.value : "";
}

/** A Secret's stringData is in its data once it is complete; the source has it where it was written. */
function sourcePath(root: YamlNode, kind: string, path: NodePath): NodePath {
  if (kind !== "Secret" || path[0] !== "data" || path.length < 2) return path;
  const written = ["stringData", ...path.slice(1)];
  return locateNode(root, written).depth === written.length ? written : path;
}

function locateObject(
  object: ManifestObject,
  source: SourceText,
  root: YamlNode,
  document: number,
): LocatedObject {
  const locate = (path: NodePath): Position =>
    source.position(spanAt(root, sourcePath(root, object.kind, path)).start);
  const diagnose = (path: NodePath, message: string): Diagnostic =>
    faultDiagnostic(source, root, { path: sourcePath(root, object.kind, path), message });
  const place = { file: source.file, document, locate, diagnose };
  switch (object.kind) {
    case "Pod":
      return { ...place, kind: "Pod", object };
    case "ConfigMap":
      return { ...place, kind: "ConfigMap", object };
    case "Secret":
      return { ...place, kind: "Secret", object };
  }
}

function findingOf(source: SourceText, root: YamlNode, fault: Fault): Finding {
  return {
    source,
    start: spanAt(root, fault.path, fault.atKey).start,
    isError: fault.severity !== "warning",
    diagnostic: () => faultDiagnostic(source, root, fault),
  };
}

function checkRoot(
  source: SourceText,
  root: YamlNode,
  document: number,
): { candidate: Candidate; findings: Finding[] } {
  const { object, faults } = checkDocument(root);
  const namespace = textAt(root, ["metadata", "namespace"]) || "default";
  const identity = identityOf(textAt(root, ["kind"]), namespace, textAt(root, ["metadata", "name"]));
  const located = object && locateObject(object, source, root, document);
  return {
    candidate: { source, root, identity, located },
    findings: faults.map((fault) => findingOf(source, root, fault)),
  };
}

/** What one file declares and what is wrong with it; `complete` where all of it was looked at. */
interface CheckedFile {
  source: SourceText;
  candidates: Candidate[];
  findings: Finding[];
  complete: boolean;
}

function checkFile({ source, documents, diagnostics }: ReadFile): CheckedFile {
  const candidates: Candidate[] = [];
  const findings: Finding[] = diagnostics.map((diagnostic, start) => (
    { source, start, isError: true, diagnostic: () => diagnostic }
  ));
  for (const node of documents) {
    const roots = objectNodes(node);
    if (!Array.isArray(roots)) findings.push(findingOf(source, node, roots));
    for (const root of Array.isArray(roots) ? roots : []) {
      if (candidates.length >= MAX_DOCUMENTS_PER_FILE) {
        const message = `the file has more than ${MAX_DOCUMENTS_PER_FILE} objects`;
        findings.push(findingOf(source, root, { path: [], message, hint: "divide it" }));
        return { source, candidates, findings, complete: false };
      }
      const checked = checkRoot(source, root, candidates.length);
      candidates.push(checked.candidate);
      findings.push(...checked.findings);
      if (findings.length > MAX_FAULTS_PER_FILE) return { source, candidates, findings, complete: false };
    }
  }
  return { source, candidates, findings, complete: diagnostics.length === 0 };
}

/** Refuses the second object of one kind, namespace and name. */
function checkDuplicates(candidates: Candidate[]): Finding[] {
  const first = new Map<string, Candidate>();
  return candidates.flatMap((candidate): Finding[] => {
    const { source, root, identity, located } = candidate;
    if (!located) return [];
    const earlier = first.get(identity);
    if (!earlier) first.set(identity, candidate);
    if (!earlier) return [];
    const path = ["metadata", "name"];
    const span = spanAt(root, path);
    const message = `the ${located.kind} ${quoted(located.object.metadata?.name ?? "")} is declared twice`;
    const diagnostic = () => {
      const related = earlier.source.related(spanAt(earlier.root, path).start, "declared here first");
      return source.diagnostic(message, span, { related });
    };
    return [{ source, start: span.start, isError: true, diagnostic }];
  });
}

function lookupIn(candidates: Candidate[]): ReferenceLookup {
  const byIdentity = new Map(candidates.map((candidate) => [candidate.identity, candidate]));
  return {
    find(kind, namespace, name) {
      const candidate = byIdentity.get(identityOf(kind, namespace, name));
      if (!candidate) return undefined;
      const { located } = candidate;
      return located === undefined || located.kind === "Pod" ? "faulty" : located.object;
    },
    names(kind, namespace) {
      const prefix = identityOf(kind, namespace, "");
      return [...byIdentity.keys()].filter((key) => key.startsWith(prefix)).map((key) =>
        key.slice(prefix.length)
      );
    },
  };
}

function checkAllReferences(candidates: Candidate[]): Finding[] {
  const lookup = lookupIn(candidates);
  return candidates.flatMap(({ source, root, located }) => {
    const faults = located?.kind === "Pod" ? checkReferences(located.object, lookup) : [];
    return faults.map((fault) => findingOf(source, root, fault));
  });
}

/** The diagnostics of one file in the order of its lines, cut to a number that a person can read. */
function fileDiagnostics(findings: Finding[]): Diagnostic[] {
  const ordered = findings.toSorted((left, right) => left.start - right.start);
  const shown = ordered.slice(0, MAX_DIAGNOSTICS_PER_FILE).map((finding) => finding.diagnostic());
  const hidden = ordered.slice(MAX_DIAGNOSTICS_PER_FILE);
  const next = (hidden.find(({ isError }) => isError) ?? hidden[0])?.diagnostic();
  if (!next) return shown;
  const more = hidden.length === 1 ? "" : ` (and ${hidden.length - 1} more in this file)`;
  return [...shown, { ...next, message: next.message + more }];
}

/**
 * Reads, validates and completes manifests. Never throws for what the files hold: everything wrong is a
 * diagnostic, all of them at once, and an object with an error of its own is not among the objects.
 */
export function parseManifests(files: ManifestFile[]): ParsedManifests {
  const checked = files.map(({ file, text }) => checkFile(readManifestFile(file, text)));
  const candidates = checked.flatMap((file) => file.candidates);
  // What is declared in the rest of an unreadable file is unknown, so nothing can be said to be missing.
  const complete = checked.every((file) => file.complete);
  const across = [...checkDuplicates(candidates), ...complete ? checkAllReferences(candidates) : []];
  const findings = [...checked.flatMap((file) => file.findings), ...across];
  const bySource = Map.groupBy(findings, ({ source }) => source);
  return {
    objects: candidates.flatMap(({ located }) => located ? [located] : []),
    diagnostics: checked.flatMap(({ source }) => fileDiagnostics(bySource.get(source) ?? [])),
  };
}
