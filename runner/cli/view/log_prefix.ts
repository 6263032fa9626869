/** SGR codes of the colours that are legible on dark and on light. */
const COLORS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94] as const;

const RESET = "\x1b[0m";

/** FNV-1a: a name has the same colour in every run and on every machine. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return value;
}

/** What stands before each line of a container's log. */
export interface LogPrefixOptions {
  readonly color: boolean;
  /** The width to which names are filled up; see {@linkcode logPrefixWidth}. */
  readonly width: number;
}

/** The width that makes the logs of these containers, written `pod/container`, stand below each other. */
export function logPrefixWidth(names: readonly string[]): number {
  return Math.max(0, ...names.map(({ length }) => length));
}

/** `pod/container | `, aligned, in a colour of its own. */
export function logPrefix(pod: string, container: string, { color, width }: LogPrefixOptions): string {
  const name = `${pod}/${container}`;
  const text = `${name.padEnd(width)} |`;
  return color ? `\x1b[${COLORS[hash(name) % COLORS.length]}m${text}${RESET} ` : `${text} `;
}
