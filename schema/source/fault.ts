import type { Diagnostic, Severity } from "./diagnostic.ts";
import { locateNode, type NodePath, type YamlNode } from "./node.ts";
import type { SourceText, Span } from "./source_text.ts";

/** What is wrong at a path of a document; it becomes a diagnostic when the source is at hand. */
export interface Fault {
  path: NodePath;
  message: string;
  /** What to do about it; as a function, it is given the text that stands in the source. */
  hint?: string | ((written: string) => string) | undefined;
  severity?: Severity;
  /** Point at the key instead of the value: for fields that should not be there. */
  atKey?: boolean;
  /** Another path of the same document that the fault speaks of, and what is there. */
  related?: { path: NodePath; message: string };
}

/** A path as manifests' documentation writes it: `spec.containers[0].image`. */
export function pathText(path: NodePath): string {
  return path.map((step, index) => {
    if (typeof step === "number") return `[${step}]`;
    if (!/^[\w-]+$/.test(step)) return `[${JSON.stringify(step)}]`;
    return index === 0 ? step : `.${step}`;
  }).join("");
}

function firstLine(source: SourceText, span: Span): Span {
  const lineBreak = source.text.slice(span.start, span.end).search(/[\r\n]/);
  return lineBreak <= 0 ? span : { start: span.start, end: span.start + lineBreak };
}

/** Where a fault at `path` is shown: its value, its key, or the nearest ancestor's key in the source. */
export function spanAt(root: YamlNode, path: NodePath, atKey = false): Span {
  const { node, key, depth } = locateNode(root, path);
  if (key && (atKey || depth < path.length || node.start === node.end || node.kind !== "scalar")) return key;
  if (node.kind === "scalar" || depth === 0 && path.length === 0) return node;
  return { start: node.start, end: node.start + 1 };
}

/** The diagnostic of `fault` in the document `root` of `source`. */
export function faultDiagnostic(source: SourceText, root: YamlNode, fault: Fault): Diagnostic {
  const span = firstLine(source, spanAt(root, fault.path, fault.atKey));
  const { related } = fault;
  return source.diagnostic(fault.message, span, {
    severity: fault.severity ?? "error",
    hint: typeof fault.hint === "function" ? fault.hint(source.text.slice(span.start, span.end)) : fault.hint,
    related: related && source.related(spanAt(root, related.path).start, related.message),
  });
}
