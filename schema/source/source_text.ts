import { type Diagnostic, type Position, type RelatedPosition, type Severity } from "./diagnostic.ts";
import { MAX_CARRIED_CHARACTERS } from "./limits.ts";

/** A range of a source text, in UTF-16 offsets; the end is exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** What a diagnostic says besides its message. */
export interface DiagnosticDetails {
  severity?: Severity;
  hint?: string | undefined;
  related?: RelatedPosition | undefined;
}

/** Characters of `text` from `start` to `end`: UTF-16 units less the halves of surrogate pairs. */
function characterCount(text: string, start: number, end: number): number {
  let count = end - start;
  for (let index = start; index < end; index++) if ((text.charCodeAt(index) & 0xfc00) === 0xdc00) count--;
  return count;
}

/** The text of one manifest file, which knows the line and column of every offset. */
export class SourceText {
  /** The file as the caller named it. */
  readonly file: string;
  /** The text without its byte order mark. */
  readonly text: string;
  readonly #lineStarts: number[];

  /** Takes the text of `file`. */
  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.#lineStarts = [0];
    for (const match of text.matchAll(/\r\n|\r|\n/g)) this.#lineStarts.push(match.index + match[0].length);
  }

  /** The number of the line (from 0) that holds `offset`. */
  #lineIndex(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The offset where the line with `index` ends, before its line break. */
  #lineEnd(index: number): number {
    let end = this.#lineStarts[index + 1] ?? this.text.length;
    while (end > this.#lineStarts[index]! && /[\r\n]/.test(this.text[end - 1]!)) end--;
    return end;
  }

  /** The line around `offset`, or as much of it as a diagnostic carries, and the column where that begins. */
  #excerpt(offset: number, column: number): { sourceLine: string; sourceColumn?: number } {
    const index = this.#lineIndex(offset);
    const [start, end] = [this.#lineStarts[index]!, this.#lineEnd(index)];
    if (end - start <= MAX_CARRIED_CHARACTERS) return { sourceLine: this.text.slice(start, end) };
    let from = Math.max(start, offset - MAX_CARRIED_CHARACTERS / 2);
    if ((this.text.charCodeAt(from) & 0xfc00) === 0xdc00) from--;
    const sourceLine = this.text.slice(from, Math.min(end, from + MAX_CARRIED_CHARACTERS));
    return { sourceLine, sourceColumn: column - characterCount(this.text, from, offset) };
  }

  /** The position of `offset`. */
  position(offset: number): Position {
    const index = this.#lineIndex(offset);
    return {
      file: this.file,
      line: index + 1,
      column: characterCount(this.text, this.#lineStarts[index]!, offset) + 1,
    };
  }

  /** A position of which another diagnostic speaks. */
  related(offset: number, message: string): RelatedPosition {
    const position = this.position(offset);
    return { ...position, message, ...this.#excerpt(offset, position.column) };
  }

  /** A diagnostic about `span`. */
  diagnostic(message: string, span: Span, details: DiagnosticDetails = {}): Diagnostic {
    const position = this.position(span.start);
    const end = Math.min(span.end, this.#lineEnd(position.line - 1));
    return {
      severity: details.severity ?? "error",
      message,
      ...position,
      length: Math.max(1, characterCount(this.text, span.start, end)),
      ...this.#excerpt(span.start, position.column),
      ...(details.hint === undefined ? {} : { hint: details.hint }),
      ...(details.related === undefined ? {} : { related: details.related }),
    };
  }
}
