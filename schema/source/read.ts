import { type Event, EVENT_ID, parseEvents, YAMLException } from "js-yaml";
import { Composer, YamlFault } from "./compose.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { MAX_DOCUMENTS_PER_FILE, MAX_FILE_BYTES, MAX_NESTING } from "./limits.ts";
import type { YamlNode } from "./node.ts";
import { SourceText, type Span } from "./source_text.ts";

/** A manifest file as read: its documents, or what is wrong with it. */
export interface ReadFile {
  source: SourceText;
  documents: YamlNode[];
  diagnostics: Diagnostic[];
}

/** Text parsed again and again to take flow collections at any indentation, in characters. */
const REPAIR_BUDGET_CHARACTERS = 16 * 1024 * 1024;
const QUOTE_HINT = "quote the value";
const HINTS: [RegExp, string][] = [
  [/tab characters/, "indent with spaces"],
  [/null byte|non-printable|valid JSON character/, 'write it as an escape in double quotes, such as "\\0"'],
  [/multiline key/, "is a colon missing, or a space after one?"],
  [/deficient indentation|unexpected end of the stream/, "is a closing quote or bracket missing?"],
  [/maxDepth/, "Kubernetes' objects are never that deep"],
];

function hintFor(reason: string, text: string, offset: number): string | undefined {
  const rest = text.slice(offset, offset + 2);
  if (/^[@`%]/.test(rest)) return QUOTE_HINT;
  if (reason.startsWith("bad indentation of a mapping entry")) {
    return /^:/.test(rest)
      ? `${QUOTE_HINT}, or begin a new line for the inner key`
      : "align it with the key above";
  }
  return HINTS.find(([pattern]) => pattern.test(reason))?.[1];
}

/** What js-yaml says in words that a user of manifests would not guess. */
const REWORDED: Record<string, string> = {
  "deficient indentation": "this line is indented less than the value that it belongs to",
  "bad indentation of a mapping entry": "this does not fit the mapping around it",
  "the stream contains non-printable characters": "control characters are not allowed in YAML",
  "expected valid JSON character": "control characters are not allowed in YAML",
  "missed comma between flow collection entries": "a comma is missing here",
  [`nesting exceeded maxDepth (${MAX_NESTING})`]: `the nesting is deeper than ${MAX_NESTING} levels`,
};

function faultOf(error: YAMLException, text: string): YamlFault {
  const start = Math.min(error.mark?.position ?? 0, text.length);
  return new YamlFault(
    REWORDED[error.reason] ?? error.reason,
    { start, end: start + 1 },
    hintFor(error.reason, text, start),
  );
}

/**
 * Puts the line at `offset` on the line before it, without moving any offset: kubectl takes flow collections
 * (`{…}` and `[…]`) at any indentation.
 */
function joinLine(text: string, offset: number, joined: Span[]): string | undefined {
  const lineStart = Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;
  if (lineStart === 0) return undefined;
  const previousStart = text.slice(0, lineStart - 1).search(/[^\r\n]*\r?$/);
  const previous = text.slice(previousStart, lineStart);
  const comment = previous.matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'|(?:^|\s)#/g).find(([token]) =>
    token.endsWith("#")
  );
  const content = previous.slice(0, comment?.index).trimEnd();
  const span = { start: previousStart + content.length, end: lineStart };
  joined.push(span);
  return text.slice(0, span.start) + " ".repeat(span.end - span.start) + text.slice(span.end);
}

/** True where a joined line would have changed a scalar's value. */
function changesScalar(events: Event[], joined: Span[]): boolean {
  return events.some((event) =>
    event.type === EVENT_ID.SCALAR &&
    joined.some((span) => event.valueStart < span.end && event.valueEnd > span.start)
  );
}

function parseTolerant(text: string): { text: string; events: Event[] } {
  const joined: Span[] = [];
  let parsed = text;
  let budget = REPAIR_BUDGET_CHARACTERS;
  let first: YamlFault | undefined;
  while (true) {
    try {
      const events = parseEvents(parsed, { maxDepth: MAX_NESTING });
      if (first && changesScalar(events, joined)) throw first;
      return { text: parsed, events };
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const fault = faultOf(error, text);
      first ??= fault;
      budget -= parsed.length;
      const repairable = error.reason === "deficient indentation" && budget > 0;
      const next = repairable ? joinLine(parsed, fault.span.start, joined) : undefined;
      if (next === undefined || next === parsed) throw repairable || joined.length === 0 ? first : fault;
      parsed = next;
    }
  }
}

function tooManyDocuments(span: Span): YamlFault {
  return new YamlFault(`the file has more than ${MAX_DOCUMENTS_PER_FILE} documents`, span, "divide it");
}

/** Where each top-level value of a JSON stream begins; one place where the text is something else. */
function jsonStarts(text: string): number[] {
  const starts: number[] = [];
  let depth = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]|---/gs)) {
    const token = match[0];
    if (token === "---" && depth === 0) return [0];
    if (token === "{" || token === "[") {
      if (depth === 0) starts.push(match.index);
      if (starts.length > MAX_DOCUMENTS_PER_FILE) {
        throw tooManyDocuments({ start: match.index, end: match.index + 1 });
      }
      depth++;
    } else if (token === "}" || token === "]") depth--;
  }
  return starts.length <= 1 ? [0] : starts;
}

/** Moves an event of a part of the text to its place in the whole. */
function shiftEvent(event: Event, offset: number): Event {
  const fields = Object.entries(event).map(([field, value]) => {
    const isOffset = /(?:start|Start|End)$/.test(field) && typeof value === "number";
    return [field, isOffset && value >= 0 ? value + offset : value];
  });
  return Object.fromEntries(fields) as Event;
}

/** Parses each value of a JSON stream by itself, as YAML wants a `---` between them. */
function parseJsonStream(text: string): { text: string; events: Event[] } {
  const starts = jsonStarts(text);
  const parts = starts.map((start, index) => {
    try {
      const { text: part, events } = parseTolerant(text.slice(start, starts[index + 1] ?? text.length));
      return { part, events: start === 0 ? events : events.map((event) => shiftEvent(event, start)) };
    } catch (error) {
      if (!(error instanceof YamlFault)) throw error;
      const span = { start: error.span.start + start, end: error.span.end + start };
      throw new YamlFault(error.message, span, error.hint);
    }
  });
  const lead = text.slice(0, starts[0]);
  return {
    text: lead + parts.map(({ part }) => part).join(""),
    events: parts.flatMap(({ events }) => events),
  };
}

function decode(content: string | Uint8Array): string {
  if (typeof content === "string") return content.replace(/^\ufeff/, "");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    const lenient = new TextDecoder("utf-8").decode(content);
    const start = Math.max(0, lenient.indexOf("\ufffd"));
    throw new YamlFault("the file is not UTF-8 text", { start, end: start + 1 }, "save it as UTF-8");
  }
}

function readText(source: SourceText): ReadFile {
  const documents: YamlNode[] = [];
  const faults: YamlFault[] = [];
  try {
    const isJson = /^\s*\{/.test(source.text);
    const { text, events } = isJson ? parseJsonStream(source.text) : parseTolerant(source.text);
    const composer = new Composer(text, events, isJson);
    documents.push(...composer.documents());
    faults.push(...composer.faults);
    const excess = documents[MAX_DOCUMENTS_PER_FILE];
    if (excess) throw tooManyDocuments(excess);
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    faults.push(error);
  }
  const diagnostics = faults.map((fault) =>
    source.diagnostic(fault.message, fault.span, {
      hint: fault.hint,
      related: fault.earlier === undefined ? undefined : source.related(fault.earlier, "given here first"),
    })
  );
  return { source, documents: diagnostics.length > 0 ? [] : documents, diagnostics };
}

/**
 * Reads a manifest file as kubectl does (YAML 1.1 by go-yaml's rules, JSON, several documents), except that a
 * duplicate key is a fault. Never throws: what cannot be read becomes a diagnostic.
 */
export function readManifestFile(file: string, content: string | Uint8Array): ReadFile {
  if (content.length > MAX_FILE_BYTES) {
    const source = new SourceText(file, "");
    const message = `the file has more than the ${MAX_FILE_BYTES / 1024 / 1024} MiB that a manifest may have`;
    return { source, documents: [], diagnostics: [source.diagnostic(message, { start: 0, end: 1 })] };
  }
  try {
    return readText(new SourceText(file, decode(content)));
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    const source = new SourceText(file, new TextDecoder("utf-8").decode(content as Uint8Array));
    return {
      source,
      documents: [],
      diagnostics: [source.diagnostic(error.message, error.span, { hint: error.hint })],
    };
  }
}
