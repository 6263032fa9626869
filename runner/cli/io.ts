import type { Pod } from "../../schema/kubernetes/mod.ts";
import type { PlannedPod } from "./view/mod.ts";

/** What a command says, and to whom. */
export interface Io {
  /** Resolves when it is written; rejects with `Deno.errors.BrokenPipe` when nobody reads any more. */
  stdout(output: string | Uint8Array): Promise<void>;
  /** Like stdout, for errors and what is not the answer. */
  stderr(output: string | Uint8Array): Promise<void>;
  /** Says something on stderr for those who cannot wait; that nobody reads any more is no error then. */
  note(text: string): void;
  /** Resolves when everything that was said is out. */
  flush(): Promise<void>;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  /** Whether colours are wanted on stdout. */
  readonly color: boolean;
  /** Whether colours are wanted on stderr. */
  readonly errorColor: boolean;
  /** Width of the screen in characters. */
  readonly columns: number;
  /** Unix time in milliseconds. */
  nowMs(): number;
}

/** Which pods, and how, `up` is to start. */
export interface UpRequest {
  /** Files, directories, or `-`. */
  readonly manifests: readonly string[];
  readonly detach: boolean;
  /** With `detach`: how long the pods may take to run. */
  readonly timeoutMs: number;
}

/** Which pods `down` is to remove. */
export interface DownRequest {
  /** Files, directories, or `-`; "all" for every pod there is. */
  readonly manifests: readonly string[] | "all";
  /** Instead of each pod's own. */
  readonly graceSeconds?: number;
}

/** What `exec` is to run, and where. */
export interface ExecRequest {
  readonly pod: Pod;
  readonly container: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** What the commands need of the engine. Each operation that prints does so through `io` and gives the exit status. */
export interface CommandEngine {
  /** Every pod there is, in every namespace, with its true status; sorted by namespace and name. */
  pods(): Promise<Pod[]>;
  /** The root of all logs: a container's are in `<namespace>_<name>_<uid>/<container>` below it. */
  readonly logRoot: string;
  /** What would be done for the pods of these manifests. */
  plan(manifests: readonly string[]): Promise<PlannedPod[]>;
  up(request: UpRequest, io: Io): Promise<number>;
  down(request: DownRequest, io: Io): Promise<number>;
  serve(io: Io): Promise<number>;
  exec(request: ExecRequest, io: Io): Promise<number>;
}

/** What a command is run with. */
export interface Context extends Io {
  /** Loads the engine; only the commands that need it do. */
  engine(): Promise<CommandEngine>;
}

interface Sink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Writes one thing after the other. */
class Writer {
  readonly #sink: Sink;
  readonly #encoder = new TextEncoder();
  #last: Promise<void> = Promise.resolve();

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Writes all of it, after what was asked for before. */
  write(output: string | Uint8Array): Promise<void> {
    const bytes = typeof output === "string" ? this.#encoder.encode(output) : output;
    return this.#last = this.#last.then(() => this.#writeAll(bytes));
  }

  /** Resolves when all of it is out, or nobody reads any more. */
  async flush(): Promise<void> {
    await this.#last.catch(() => {});
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#sink.write(bytes.subarray(at));
  }
}

const DEFAULT_COLUMNS = 80;
/** Longer lines of text are hard to read however wide the screen. */
const MAX_COLUMNS = 110;

function screenColumns(): number {
  try {
    return Math.min(MAX_COLUMNS, Deno.consoleSize().columns || DEFAULT_COLUMNS);
  } catch {
    return DEFAULT_COLUMNS;
  }
}

/** This process's own output. `NO_COLOR`, a dumb terminal and anything that is no terminal get no colours. */
export function processIo(): Io {
  const mayColor = !Deno.env.get("NO_COLOR") && Deno.env.get("TERM") !== "dumb";
  const isTerminal = Deno.stdout.isTerminal();
  const [stdout, stderr] = [new Writer(Deno.stdout), new Writer(Deno.stderr)];
  return {
    stdout: (output) => stdout.write(output),
    stderr: (output) => stderr.write(output),
    note: (text) => void stderr.write(text).catch(() => {}),
    flush: async () => void await Promise.all([stdout.flush(), stderr.flush()]),
    isTerminal,
    color: mayColor && isTerminal,
    errorColor: mayColor && Deno.stderr.isTerminal(),
    columns: isTerminal ? screenColumns() : DEFAULT_COLUMNS,
    nowMs: () => Date.now(),
  };
}
