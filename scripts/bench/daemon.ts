import type { BenchRoot } from "./bench_root.ts";
import { sleepers } from "./bench_root.ts";
import { memoryOfProcess } from "./memory.ts";
import { elapsedMs } from "./statistics.ts";

/** A daemon with so many pods. */
export interface DaemonRun {
  readonly pods: number;
  readonly rssKb: number;
  /** From `up --detach` of the pods that were missing to its answer that all run. */
  readonly startMs: number;
  readonly started: number;
}

/**
 * Grows a root to each of the numbers of pods by `up --detach`, and looks at its daemon. A step that, by the pace of the
 * one before it, would take longer than `stepLimitMs` is left out with all after it.
 */
export async function growDaemon(
  root: BenchRoot,
  steps: readonly number[],
  stepLimitMs: number,
): Promise<DaemonRun[]> {
  const runs: DaemonRun[] = [];
  let running = 0;
  for (const pods of steps) {
    const last = runs.at(-1);
    // the first pod's time is the start of two processes
    if (last && last.started > 1 && last.startMs / last.started * (pods - running) > stepLimitMs) break;
    const names = Array.from({ length: pods - running }, (_, index) => `pod-${running + index}`);
    const path = `${root.files}/batch.yaml`;
    await Deno.writeTextFile(path, names.map((name) => sleepers(name, ["one"])).join("---\n"));
    const startMs = await elapsedMs(() => root.seedpod("up", "--detach", "--timeout", "120s", path));
    const pid = root.daemonPid();
    if (pid === undefined) throw new Error("no daemon serves the root");
    runs.push({ pods, rssKb: memoryOfProcess(pid).rss, startMs, started: names.length });
    running = pods;
  }
  return runs;
}
