const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/y;

/**
 * Reads a duration as Go writes them, such as `30s`, `1h30m` or `1.5m`; `0` needs no unit. Gives milliseconds, or
 * undefined for anything else.
 */
export function parseDurationMs(text: string): number | undefined {
  if (text === "0") return 0;
  let ms = 0;
  PART.lastIndex = 0;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    const part = PART.exec(text);
    if (!part) return undefined;
    ms += Number(part[1]) * UNIT_MS[part[2]!]!;
  }
  return text === "" || !Number.isSafeInteger(Math.round(ms)) ? undefined : ms;
}
