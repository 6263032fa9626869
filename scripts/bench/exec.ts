import { execInContainer } from "../../runner/engine/mod.ts";
import type { BenchRoot } from "./bench_root.ts";
import type { RunningPod } from "./pod_start.ts";
import { type Contender, elapsedMs } from "./statistics.ts";

/** `true` in a container, asked for by the engine in this process: from the request to the exit status. */
export function engineExec(root: BenchRoot, pod: RunningPod): Contender {
  const record = { version: 1, desired: pod.desired, state: pod.state } as const;
  const { signal } = new AbortController();
  const options = { command: ["/bin/true"], stdin: false, terminal: undefined, signal };
  const connected = (ends: Parameters<Parameters<typeof execInContainer>[4]["connected"]>[0]): void => {
    if ("terminal" in ends) return ends.terminal.close();
    for (const end of [ends.stdin, ends.stdout, ends.stderr]) end?.close();
  };
  const measure = (): Promise<number> =>
    elapsedMs(() => execInContainer(root.machine, record, "one", options, { connected }));
  return { name: "seedpod, in the daemon", measure };
}

/** `seedpod exec` as a command: Deno's start included. */
export function commandExec(root: BenchRoot, pod: RunningPod): Contender {
  const { name } = pod.desired.pod.metadata;
  const measure = (): Promise<number> =>
    elapsedMs(() => root.seedpod("exec", name, "-c", "one", "--", "/bin/true"));
  return { name: "seedpod exec", measure };
}
