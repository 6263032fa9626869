/** A line of a container's log, as far as it is printed. */
export interface PrintedLine {
  readonly time: string;
  /** Without the newline. */
  readonly text: Uint8Array;
}

const NEWLINE = 0x0a;

/** Lines with what stands before each, as bytes: what a container writes need not be text. */
export function renderLogLines<K>(
  lines: readonly { readonly source: K; readonly line: PrintedLine }[],
  prefixOf: (source: K) => string,
  timestamps: boolean,
): Uint8Array {
  const encoder = new TextEncoder();
  const prefixes = new Map<K, Uint8Array>();
  for (const { source } of lines) {
    if (!prefixes.has(source)) prefixes.set(source, encoder.encode(prefixOf(source)));
  }
  const timeOf = (line: PrintedLine): string => timestamps && line.time !== "" ? `${line.time} ` : "";
  const size = lines.reduce(
    (sum, { source, line }) =>
      sum + prefixes.get(source)!.length + timeOf(line).length + line.text.length + 1,
    0,
  );
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { source, line } of lines) {
    const prefix = prefixes.get(source)!;
    bytes.set(prefix, at);
    at += prefix.length;
    at += encoder.encodeInto(timeOf(line), bytes.subarray(at)).written;
    bytes.set(line.text, at);
    at += line.text.length;
    bytes[at++] = NEWLINE;
  }
  return bytes;
}
