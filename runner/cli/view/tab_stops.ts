const PADDING = 2;

/**
 * Replaces tabs by spaces so that the cells of neighbouring lines stand below each other: a column goes on as long as
 * lines that follow each other have a tab in it. Trailing spaces are left out.
 */
export function alignTabs(lines: readonly string[]): string {
  const rows = lines.map((line) => line.split("\t"));
  const widths: number[][] = rows.map((row) => row.map(({ length }) => length));
  const columns = Math.max(0, ...rows.map(({ length }) => length - 1));
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < rows.length; first++) {
      let end = first;
      while (end < rows.length && rows[end]!.length > column + 1) end++;
      const width = Math.max(0, ...widths.slice(first, end).map((row) => row[column]!)) + PADDING;
      for (let row = first; row < end; row++) widths[row]![column] = width;
      first = end;
    }
  }
  return rows.map((row, index) =>
    row.map((cell, column) => column === row.length - 1 ? cell : cell.padEnd(widths[index]![column]!))
      .join("").trimEnd() + "\n"
  ).join("");
}
