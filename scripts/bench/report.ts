/** One line of the report. */
export interface Row {
  readonly what: string;
  /** The number with its unit, or why there is none. */
  readonly value: string;
  /** The line to cross, and whether it is crossed. */
  readonly line?: { readonly text: string; readonly crossed: boolean };
  readonly note?: string;
}

/** Rows under one heading. */
export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Milliseconds as a person reads them. */
export function ms(value: number): string {
  return `${value.toFixed(value < 100 ? 2 : 0)} ms`;
}

/** The report as text: a table a section, its columns as wide as in all others. */
export function renderReport(sections: readonly Section[]): string {
  const rows = sections.flatMap((section) => section.rows);
  const whatWidth = Math.max(0, ...rows.map(({ what }) => what.length));
  const valueWidth = Math.max(0, ...rows.map(({ value }) => value.length));
  const lines = sections.flatMap(({ title, rows }) => [
    "",
    title,
    ...rows.map(({ what, value, line, note }) => {
      const verdict = line ? `${line.crossed ? "ok  " : "MISS"} (${line.text})` : "";
      return `  ${what.padEnd(whatWidth)}  ${value.padStart(valueWidth)}  ${
        [verdict, note].filter(Boolean).join("  ")
      }`
        .trimEnd();
    }),
  ]);
  return lines.slice(1).join("\n") + "\n";
}
