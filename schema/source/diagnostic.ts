import { MAX_QUOTED_CHARACTERS, MAX_SHOWN_COLUMNS } from "./limits.ts";

/** Whether a diagnostic forbids what it is about. */
export type Severity = "error" | "warning";

/** A place in a manifest file. */
export interface Position {
  /** The file as the caller named it. */
  file: string;
  /** Line, from 1. */
  line: number;
  /** Column in characters, from 1. */
  column: number;
}

/** Another place that a diagnostic speaks of, such as the first of two duplicates. */
export interface RelatedPosition extends Position {
  /** What is there. */
  message: string;
  /** The text of that line, or of its part around the column. */
  sourceLine: string;
  /** The column where `sourceLine` begins; 1 when left out. */
  sourceColumn?: number;
}

/** One fault of a manifest: what, where, and what to do about it. */
export interface Diagnostic extends Position {
  severity: Severity;
  /** Lower case, no full stop, values quoted. */
  message: string;
  /** Characters that the fault covers, at least 1. */
  length: number;
  /** The text of the line without its line break, or of its part around the column. */
  sourceLine: string;
  /** The column where `sourceLine` begins; 1 when left out. */
  sourceColumn?: number;
  /** What to do about it. */
  hint?: string;
  related?: RelatedPosition;
}

/** How {@linkcode renderDiagnostic} renders. */
export interface RenderOptions {
  /** Use ANSI colours. */
  color?: boolean;
}

const ELLIPSIS = "…";
// deno-lint-ignore no-control-regex -- making them visible is the purpose
const CONTROL = /[\u0000-\u0008\u000a-\u001f]/g;
const INVISIBLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** `text` with control and invisible characters replaced by visible ones, so that it is safe on a terminal. */
export function visibleText(text: string): string {
  return text
    .replace(CONTROL, (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)))
    .replace(INVISIBLE, "\ufffd")
    .replaceAll("\t", " ");
}

/** A user's text in double quotes, made visible, cut to a length that a message can carry. */
export function quoted(text: string): string {
  const characters = [...text.slice(0, 2 * MAX_QUOTED_CHARACTERS)];
  const cut = characters.length > MAX_QUOTED_CHARACTERS || text.length > 2 * MAX_QUOTED_CHARACTERS;
  const shown = visibleText(characters.slice(0, MAX_QUOTED_CHARACTERS).join(""));
  return cut ? `"${shown}${ELLIPSIS}"` : `"${shown}"`;
}

function paint(text: string, code: string, options: RenderOptions): string {
  return options.color ? `\x1b[${code}m${text}\x1b[0m` : text;
}

function widthOf(characters: string[]): number {
  return characters.reduce((width, character) => width + (WIDE.test(character) ? 2 : 1), 0);
}

type Excerpt = Position & { sourceLine: string; sourceColumn?: number };

/** The part of a line around a caret, and where the caret stands in it, in terminal cells. */
function cutLine(
  at: Excerpt,
  length: number,
): { shown: string; before: number; marked: number } {
  const { sourceLine, column, sourceColumn = 1 } = at;
  const characters = [...visibleText(sourceLine)];
  const index = Math.min(column - sourceColumn, characters.length);
  const start = characters.length <= MAX_SHOWN_COLUMNS ? 0 : Math.max(0, index - MAX_SHOWN_COLUMNS / 2);
  const end = Math.min(characters.length, start + MAX_SHOWN_COLUMNS);
  const left = start > 0 || sourceColumn > 1 ? [ELLIPSIS] : [];
  const right = end < characters.length ? [ELLIPSIS] : [];
  const before = [...left, ...characters.slice(start, index)];
  const marked = characters.slice(index, Math.min(end, index + length));
  return {
    shown: [...before, ...characters.slice(index, end), ...right].join(""),
    before: widthOf(before),
    marked: Math.max(1, widthOf(marked)),
  };
}

function renderExcerpt(
  at: Excerpt,
  length: number,
  mark: { sign: string; code: string; label: string },
  options: RenderOptions,
): string[] {
  const gutter = String(at.line);
  const bar = paint(`${" ".repeat(gutter.length)} |`, "34", options);
  const { shown, before, marked } = cutLine(at, length);
  const label = mark.label === "" ? "" : ` ${mark.label}`;
  const place = `${visibleText(at.file)}:${at.line}:${at.column}`;
  return [
    `${" ".repeat(gutter.length)}${paint("-->", "34", options)} ${place}`,
    bar,
    `${paint(`${gutter} |`, "34", options)} ${shown}`.trimEnd(),
    `${bar} ${" ".repeat(before)}${paint(mark.sign.repeat(marked) + label, mark.code, options)}`,
  ];
}

/** Renders a diagnostic for a person: the message, the place, the source line with a caret, the help. */
export function renderDiagnostic(diagnostic: Diagnostic, options: RenderOptions = {}): string {
  const code = diagnostic.severity === "error" ? "1;31" : "1;33";
  const lines = [
    `${paint(diagnostic.severity, code, options)}: ${paint(visibleText(diagnostic.message), "1", options)}`,
    ...renderExcerpt(diagnostic, diagnostic.length, { sign: "^", code, label: "" }, options),
  ];
  if (diagnostic.related) {
    const label = visibleText(diagnostic.related.message);
    lines.push(...renderExcerpt(diagnostic.related, 1, { sign: "-", code: "34", label }, options));
  }
  if (diagnostic.hint !== undefined) {
    lines.push(`${paint("help", "36", options)}: ${visibleText(diagnostic.hint)}`);
  }
  return lines.join("\n") + "\n";
}
