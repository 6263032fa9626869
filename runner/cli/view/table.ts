const PADDING = 3;
const MIN_COLUMN = 6;

/** A table as kubectl prints it: columns padded with three spaces, the last one not at all. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? MIN_COLUMN, cell.length + PADDING);
    });
  }
  return rows.map((row) =>
    row.map((cell, column) => column === row.length - 1 ? cell : cell.padEnd(widths[column]!)).join("") + "\n"
  ).join("");
}
