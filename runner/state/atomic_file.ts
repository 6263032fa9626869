/**
 * Writes a file so that a reader, or a crash, sees the old content or the new, never half of one: a new file beside it,
 * then `rename(2)`. Mode 0600.
 */
export function writeAtomically(path: string, content: string): void {
  const next = `${path}.next`;
  Deno.writeTextFileSync(next, content, { mode: 0o600 });
  Deno.renameSync(next, path);
}

/** The content of a file; undefined when there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
