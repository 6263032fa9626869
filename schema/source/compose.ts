import {
  type DocumentEvent,
  type Event,
  EVENT_ID,
  getScalarValue,
  SCALAR_STYLE,
  type ScalarEvent,
} from "js-yaml";
import { quoted } from "./diagnostic.ts";
import { MAX_NODES_PER_FILE } from "./limits.ts";
import type { MappingEntry, MappingNode, ScalarNode, SequenceNode, YamlNode } from "./node.ts";
import { resolvePlainScalar, resolveTaggedScalar, ScalarError } from "./scalar.ts";
import type { Span } from "./source_text.ts";

/** A fault of the YAML itself, at a place. */
export class YamlFault extends Error {
  /** Takes the message, its place, and perhaps a hint and the start of an earlier place it speaks of. */
  constructor(message: string, readonly span: Span, readonly hint?: string, readonly earlier?: number) {
    super(message);
  }
}

type Opening = Extract<Event, { tagStart: number }>;

const EXCESSIVE = "the document's aliases expand to too many nodes";
const YAML_TAGS = "tag:yaml.org,2002:";

/** Turns js-yaml's flat events into nodes that know their places. Aliases share the node that they name. */
export class Composer {
  readonly #text: string;
  readonly #events: Event[];
  readonly #strictJson: boolean;
  /** Duplicate keys: found all at once, where any other fault ends the reading. */
  readonly faults: YamlFault[] = [];
  #next = 0;
  #lastOffset = 0;
  #nodes = 0;
  #anchors = new Map<string, YamlNode>();
  #open = new Set<string>();
  /** Nodes below each anchored node with aliases written out, itself included. */
  #sizes = new Map<YamlNode, number>();
  #handles = new Map<string, string>();

  /** Takes the events of `text`; JSON allows one escape more than YAML 1.1. */
  constructor(text: string, events: Event[], strictJson: boolean) {
    this.#text = text;
    this.#events = events;
    this.#strictJson = strictJson;
  }

  /** Every document that is not empty. */
  documents(): YamlNode[] {
    const documents: YamlNode[] = [];
    while (this.#next < this.#events.length) {
      const event = this.#events[this.#next++]!;
      if (event.type !== EVENT_ID.DOCUMENT) continue;
      this.#startDocument(event);
      if (this.#events[this.#next]?.type === EVENT_ID.POP) continue;
      const node = this.#node();
      if (node.kind !== "scalar" || node.value !== null) documents.push(node);
    }
    return documents;
  }

  #startDocument(event: DocumentEvent): void {
    this.#anchors = new Map();
    this.#handles = new Map([["!!", YAML_TAGS]]);
    for (const directive of event.directives) {
      if (directive.kind === "tag") this.#handles.set(directive.handle, directive.prefix);
      else if (directive.version !== "1.1") {
        const start = Math.max(0, this.#text.indexOf("%YAML", this.#lastOffset));
        const span = { start, end: start + "%YAML".length };
        const message = `YAML ${directive.version} is asked for, but manifests are YAML 1.1`;
        throw new YamlFault(message, span, "remove the %YAML line");
      }
    }
  }

  #count(nodes: number, span: Span): void {
    this.#nodes += nodes;
    if (this.#nodes > MAX_NODES_PER_FILE) {
      throw new YamlFault(nodes > 1 ? EXCESSIVE : `the file has more than ${MAX_NODES_PER_FILE} nodes`, span);
    }
  }

  #node(): YamlNode {
    const event = this.#events[this.#next++]!;
    const before = this.#nodes;
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.#anchored(event, before, () => this.#scalar(event));
      case EVENT_ID.SEQUENCE:
        return this.#anchored(event, before, () => this.#sequence(event.start));
      case EVENT_ID.MAPPING:
        return this.#anchored(event, before, () => this.#mapping(event.start));
      case EVENT_ID.ALIAS:
        return this.#alias({ start: event.anchorStart - 1, end: event.anchorEnd });
      default:
        throw new YamlFault("a value is missing", { start: this.#lastOffset, end: this.#lastOffset + 1 });
    }
  }

  #anchored(event: Opening, before: number, compose: () => YamlNode): YamlNode {
    const name = event.anchorStart < 0 ? undefined : this.#text.slice(event.anchorStart, event.anchorEnd);
    if (name === undefined) return compose();
    this.#open.add(name);
    const node = compose();
    this.#open.delete(name);
    this.#anchors.set(name, node);
    this.#sizes.set(node, this.#nodes - before);
    return node;
  }

  #alias(span: Span): YamlNode {
    const name = this.#text.slice(span.start + 1, span.end);
    this.#lastOffset = span.end;
    if (this.#open.has(name)) {
      throw new YamlFault(`the alias ${quoted(name)} stands inside its own anchor`, span);
    }
    const node = this.#anchors.get(name);
    if (!node) {
      throw new YamlFault(`the alias ${quoted(name)} has no anchor`, span, `define it first, as &${name}`);
    }
    this.#count(this.#sizes.get(node)!, span);
    return { ...node, ...span };
  }

  #tag(event: Opening): string | undefined {
    if (event.tagStart < 0) return undefined;
    const tag = this.#text.slice(event.tagStart, event.tagEnd);
    if (tag.startsWith("!<")) return tag.slice(2, -1);
    const handle = /^!(?:[\w-]*!)?/.exec(tag)![0];
    return (this.#handles.get(handle) ?? handle) + tag.slice(handle.length);
  }

  #scalar(event: ScalarEvent): ScalarNode {
    const quotes = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED
      ? 1
      : 0;
    const span = event.valueStart < 0
      ? { start: this.#lastOffset, end: this.#lastOffset }
      : { start: event.valueStart - quotes, end: event.valueEnd + quotes };
    this.#lastOffset = span.end;
    this.#count(1, span);
    const text = event.valueStart < 0 ? "" : getScalarValue(this.#text, event);
    this.#checkText(text, event, span);
    const tag = this.#tag(event);
    try {
      const plain = event.style === SCALAR_STYLE.PLAIN && tag === undefined;
      const value = plain
        ? resolvePlainScalar(text)
        : tag === undefined
        ? text
        : resolveTaggedScalar(text, tag);
      return { kind: "scalar", value, ...span };
    } catch (error) {
      if (error instanceof ScalarError) throw new YamlFault(error.message, span);
      throw error;
    }
  }

  #checkText(text: string, event: ScalarEvent, span: Span): void {
    if (!text.isWellFormed()) throw new YamlFault("the text holds half of a surrogate pair", span);
    if (event.style !== SCALAR_STYLE.DOUBLE_QUOTED || this.#strictJson) return;
    const raw = this.#text.slice(event.valueStart, event.valueEnd);
    const escape = /^(?:[^\\]|\\[^/])*\\\//s.exec(raw);
    if (escape) {
      const start = event.valueStart + escape[0].length - 2;
      throw new YamlFault(
        '"\\/" is not an escape of YAML',
        { start, end: start + 2 },
        'write "/" without the backslash',
      );
    }
  }

  #sequence(start: number): SequenceNode {
    this.#lastOffset = start;
    this.#count(1, { start, end: start + 1 });
    const items: YamlNode[] = [];
    while (this.#events[this.#next]!.type !== EVENT_ID.POP) items.push(this.#node());
    this.#next++;
    return { kind: "sequence", items, start, end: this.#lastOffset };
  }

  #mapping(start: number): MappingNode {
    this.#lastOffset = start;
    this.#count(1, { start, end: start + 1 });
    const entries = new Map<string, MappingEntry>();
    const own = new Map<string, Span>();
    while (this.#events[this.#next]!.type !== EVENT_ID.POP) {
      const event = this.#events[this.#next]!;
      const isMerge = event.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN &&
        this.#text.slice(event.valueStart, event.valueEnd) === "<<";
      const key = this.#node();
      const value = this.#node();
      if (isMerge) this.#merge(entries, value);
      else this.#addEntry(entries, own, key, value);
    }
    this.#next++;
    return { kind: "mapping", entries, start, end: this.#lastOffset };
  }

  #addEntry(
    entries: Map<string, MappingEntry>,
    own: Map<string, Span>,
    key: YamlNode,
    value: YamlNode,
  ): void {
    if (key.kind !== "scalar" || key.value === null) {
      const what = key.kind === "scalar" ? "null" : `a ${key.kind}`;
      throw new YamlFault(`${what} cannot be a key`, key, "keys are strings");
    }
    const name = String(key.value);
    const earlier = own.get(name);
    if (earlier) {
      this.faults.push(
        new YamlFault(`the key ${quoted(name)} is given twice`, key, "keep one of the two", earlier.start),
      );
      return;
    }
    const span = { start: key.start, end: key.end };
    own.set(name, span);
    entries.set(name, { key: span, value });
  }

  /** As go-yaml does: a merge wins over the keys before it, and the first of several merged mappings wins. */
  #merge(entries: Map<string, MappingEntry>, merged: YamlNode): void {
    const sources = merged.kind === "sequence" ? merged.items.toReversed() : [merged];
    for (const source of sources) {
      if (source.kind !== "mapping") throw new YamlFault("<< wants a mapping or a list of mappings", source);
      this.#count(source.entries.size, merged);
      for (const [key, entry] of source.entries) entries.set(key, entry);
    }
  }
}
