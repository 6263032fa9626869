import type { ScalarValue } from "./scalar.ts";
import type { Span } from "./source_text.ts";

/** A scalar of a document. */
export interface ScalarNode extends Span {
  kind: "scalar";
  value: ScalarValue;
}

/** A sequence of a document. */
export interface SequenceNode extends Span {
  kind: "sequence";
  items: YamlNode[];
}

/** One entry of a mapping: where its key stands, and its value. */
export interface MappingEntry {
  key: Span;
  value: YamlNode;
}

/** A mapping of a document; keys are strings, as in JSON. */
export interface MappingNode extends Span {
  kind: "mapping";
  entries: Map<string, MappingEntry>;
}

/** A node of a document, with its place in the source. */
export type YamlNode = ScalarNode | SequenceNode | MappingNode;

/** A way into a document: keys and indices. */
export type NodePath = readonly (string | number)[];

/** What a lookup in a document found. */
export interface Located {
  /** The deepest node on the path that the source has. */
  node: YamlNode;
  /** Its key, when it is a mapping's value. */
  key: Span | undefined;
  /** Steps of the path that were found. */
  depth: number;
}

/** Follows `path` from `root` as far as the source goes. */
export function locateNode(root: YamlNode, path: NodePath): Located {
  let found: Located = { node: root, key: undefined, depth: 0 };
  for (const step of path) {
    const { node, depth } = found;
    const entry = node.kind === "mapping" ? node.entries.get(String(step)) : undefined;
    const item = node.kind === "sequence" && typeof step === "number" ? node.items[step] : undefined;
    if (entry) found = { node: entry.value, key: entry.key, depth: depth + 1 };
    else if (item) found = { node: item, key: undefined, depth: depth + 1 };
    else break;
  }
  return found;
}

/** The document as plain data; integers beyond 2^53 stay bigints. */
export function nodeValue(node: YamlNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "sequence") return node.items.map(nodeValue);
  const object: Record<string, unknown> = {};
  for (const [key, entry] of node.entries) {
    // Not by assignment, which would take the key `__proto__` for the prototype.
    Object.defineProperty(object, key, {
      value: nodeValue(entry.value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}
