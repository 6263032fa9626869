/** One line of a CRI log, at so many seconds of the test's minute. */
export function cri(seconds: number, stream: "stdout" | "stderr", tag: "F" | "P", text: string): string {
  const time = `2026-01-02T03:04:${String(seconds % 60).padStart(2, "0")}.123456789Z`;
  return `${time} ${stream} ${tag} ${text}\n`;
}

/** A directory of logs that goes away with its test. */
export class LogDirectory implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "seedpod-log-" });

  /** Makes or replaces a file. */
  write(name: string, ...lines: string[]): void {
    Deno.writeTextFileSync(`${this.path}/${name}`, lines.join(""));
  }

  /** Adds to a file, as infra does. */
  append(name: string, ...lines: string[]): void {
    Deno.writeTextFileSync(`${this.path}/${name}`, lines.join(""), { append: true, create: true });
  }

  /** Puts the file in use aside, as infra does, keeping so many files. */
  rotate(attempt: number, keep = 5): void {
    for (let generation = keep - 1; generation > 0; generation--) {
      const from = generation === 1 ? `${attempt}.log` : `${attempt}.log.${generation - 1}`;
      try {
        Deno.renameSync(`${this.path}/${from}`, `${this.path}/${attempt}.log.${generation}`);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    this.write(`${attempt}.log`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** All pieces as one text. */
export async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of pieces) text += decoder.decode(piece, { stream: true });
  return text;
}
