import type { CommandEngine, Io } from "../../runner/cli/mod.ts";
import { runCommandLine } from "../../runner/cli/mod.ts";
import type { Pod } from "../../schema/kubernetes/mod.ts";
import { NOW_MS } from "./_pods.ts";

/** What a command line said and how it ended. */
export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An engine that knows these pods; what is asked of it is kept in `asked`. */
export function fakeEngine(pods: readonly Pod[], logRoot = "/nowhere"): CommandEngine & { asked: unknown[] } {
  const asked: unknown[] = [];
  const keep = (status: number) => (request: unknown): Promise<number> => {
    asked.push(request);
    return Promise.resolve(status);
  };
  return {
    asked,
    logRoot,
    pods: () => Promise.resolve([...pods]),
    plan: () => Promise.resolve([]),
    up: keep(0),
    down: keep(0),
    serve: keep(0),
    exec: keep(42),
  };
}

/** Runs a command line and collects what it says. */
export async function say(
  args: readonly string[],
  engine = fakeEngine([]),
  more: Partial<Io> = {},
): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const decoder = new TextDecoder();
  const collect = (to: "stdout" | "stderr") => (output: string | Uint8Array): Promise<void> => {
    said[to] += typeof output === "string" ? output : decoder.decode(output);
    return Promise.resolve();
  };
  const io: Io = {
    stdout: collect("stdout"),
    stderr: collect("stderr"),
    note: (text) => void collect("stderr")(text),
    flush: () => Promise.resolve(),
    isTerminal: false,
    color: false,
    errorColor: false,
    columns: 80,
    nowMs: () => NOW_MS,
    ...more,
  };
  const status = await runCommandLine(args, io, () => Promise.resolve(engine));
  return { status, ...said };
}
