/**
 * The program's commands, and its daemon, in this process instead of processes of their own. Under software emulation the
 * start of a process of Deno takes seconds, and a test of whole pods has several.
 */
import { openCommandEngine } from "../../runner/cli/run/mod.ts";
import { type CommandEngine, type Io, runCommandLine } from "../../runner/cli/mod.ts";
import type { Said } from "./pods.ts";

/** Whether tests run commands in their own process. */
export const IN_PROCESS = Deno.env.get("SEEDPOD_TEST_IN_PROCESS") === "1";

const TURN_MS = 5;

function openEngine(root: string): CommandEngine {
  const before = Deno.env.get("SEEDPOD_ROOT");
  Deno.env.set("SEEDPOD_ROOT", root);
  try {
    return openCommandEngine();
  } finally {
    if (before === undefined) Deno.env.delete("SEEDPOD_ROOT");
    else Deno.env.set("SEEDPOD_ROOT", before);
  }
}

/** Collects what a command says. */
class Words {
  readonly #chunks: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] };
  readonly #encoder = new TextEncoder();
  readonly io: Io = {
    stdout: (output) => Promise.resolve(this.#add("stdout", output)),
    stderr: (output) => Promise.resolve(this.#add("stderr", output)),
    note: (text) => this.#add("stderr", text),
    flush: () => Promise.resolve(),
    isTerminal: false,
    color: false,
    errorColor: false,
    columns: 80,
    nowMs: () => Date.now(),
  };

  #add(to: "stdout" | "stderr", output: string | Uint8Array): void {
    this.#chunks[to].push(typeof output === "string" ? this.#encoder.encode(output) : output.slice());
  }

  said(code: number): Said {
    const text = (chunks: Uint8Array[]) => new TextDecoder().decode(concat(chunks));
    return { code, stdout: text(this.#chunks.stdout), stderr: text(this.#chunks.stderr) };
  }
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The commands of one root, with a daemon from the first `up --detach` on. */
export class InProcess {
  readonly #root: string;
  #daemon: Promise<number> | undefined;
  #served = false;

  /** Nothing happens yet. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Runs a command to its end. */
  async run(args: readonly string[]): Promise<Said> {
    if (args[0] === "up" && args.some((arg) => arg === "-d" || arg === "--detach")) this.#serve();
    const words = new Words();
    const code = await runCommandLine(args, words.io, () => Promise.resolve(openEngine(this.#root)));
    // who asks again and again must leave the daemon its turns
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    return words.said(code);
  }

  /** It holds the root's lock, so that no command leaves a daemon of its own behind. */
  #serve(): void {
    if (this.#served) return;
    this.#served = true;
    this.#daemon = openEngine(this.#root).serve(new Words().io).finally(() => this.#served = false);
  }

  /** Ends the daemon as a service manager does, by SIGTERM, which it alone listens to in this process. */
  async close(): Promise<void> {
    if (this.#served) Deno.kill(Deno.pid, "SIGTERM");
    await this.#daemon;
  }
}
