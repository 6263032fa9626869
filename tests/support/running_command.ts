/** A command of the program that goes on while the test looks at what it says. */
import { ok } from "node:assert/strict";
import type { TestRoot } from "./pods.ts";

/** A command that was spawned; what it says is collected. */
export class RunningCommand {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #over: Promise<void>;
  #changed = Promise.withResolvers<void>();
  stdout = "";
  stderr = "";

  /** Spawns it. */
  constructor(root: TestRoot, args: readonly string[], env: Record<string, string> = {}) {
    this.#child = root.command(args, { stdin: "piped", stdout: "piped", stderr: "piped", env }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#over = Promise.all([
      this.#collect(this.#child.stdout, (text) => this.stdout += text),
      this.#collect(this.#child.stderr, (text) => this.stderr += text),
    ]).then(() => {});
  }

  async #collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      add(decoder.decode(bytes, { stream: true }));
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when it has said this on stdout. */
  async says(text: string, timeoutMs = 20_000): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!this.stdout.includes(text)) {
      const left = deadlineMs - performance.now();
      ok(left > 0, `it never said ${JSON.stringify(text)} but ${JSON.stringify(this.stdout + this.stderr)}`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, left));
      await Promise.race([this.#changed.promise, late]);
      clearTimeout(timer);
    }
  }

  /** Writes to its standard input. */
  async write(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  /** Ends its standard input. */
  async endInput(): Promise<void> {
    await this.#writer.close();
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for its end; gives its exit status. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#over;
    await this.#writer.close().catch(() => {});
    return code;
  }
}
