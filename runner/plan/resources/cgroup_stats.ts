import { FLAGS } from "../../base/mod.ts";

/** What the OOM killer's part in a death is decided from. */
export interface DeathFacts {
  /** The signal that ended the container's main process; null when it exited. */
  readonly mainExitSignal: number | null;
  /** The OOM kill counter of the container's cgroup when it was last read before the death; 0 in a fresh cgroup. */
  readonly oomKillsBefore: number;
  /** The same counter, read after the death and before the cgroup is removed. */
  readonly oomKillsAfter: number;
  /** Whether seedpod sent SIGKILL to the main process before it died. */
  readonly weSentKill: boolean;
}

/**
 * Whether the main process died of the OOM killer. A child killed for memory is not enough (the main process then exits
 * by itself, or lives), nor is a SIGKILL of ours. What stays undecidable is a SIGKILL of somebody else's after a child
 * was killed for memory since the last reading.
 */
export function wasOomKilled(
  { mainExitSignal, oomKillsBefore, oomKillsAfter, weSentKill }: DeathFacts,
): boolean {
  return mainExitSignal === FLAGS.SIGKILL && oomKillsAfter > oomKillsBefore && !weSentKill;
}

/** The `key value` lines of a flat keyed file, cgroups(7); lines that are none are left out. */
export function parseFlatKeyed(text: string): Map<string, number> {
  const entries = text.split("\n").map((line) => /^(\S+) (-?\d+)$/.exec(line.trim()));
  return new Map(
    entries.flatMap((match) => match === null ? [] : [[match[1] ?? "", Number(match[2])] as const]),
  );
}

/** A file with one number; null for `max`, for v1's "no limit", and for anything that is no number. */
export function parseSingleValue(text: string): number | null {
  const value = text.trim();
  if (!/^-?\d+$/.test(value)) return null;
  const number = Number(value);
  return number < 0 || number >= V1_NO_LIMIT ? null : number;
}

/** v1 shows "no limit" as the largest multiple of the page size in 63 bits; the largest pages in use are 64 KiB. */
const V1_NO_LIMIT = 2 ** 63 - 2 ** 16;

/** The text of a cgroup's files, by name (`memory.current`); a file that does not exist is left out. */
export type CgroupFiles = Readonly<Record<string, string | undefined>>;

/** What a cgroup has used so far; null where the machine does not count it. */
export interface CgroupCounters {
  /** Processes killed by the OOM killer. v2 counts those in cgroups below as well, v1 does not. */
  readonly oomKills: number;
  readonly memoryBytes: number | null;
  readonly memoryLimitBytes: number | null;
  /** Memory in use less what can be dropped at once; what Kubernetes calls the working set. */
  readonly memoryWorkingSetBytes: number | null;
  /** Processor time since the cgroup was made. */
  readonly cpuUsageUs: number | null;
  /** Time that its processes waited because of the quota. */
  readonly cpuThrottledUs: number | null;
  readonly pids: number | null;
}

/** The files that {@linkcode parseCounters} reads, by version and by the controller in whose hierarchy they are. */
export const COUNTER_FILES: Readonly<Record<1 | 2, Readonly<Record<string, readonly string[]>>>> = {
  1: {
    cpu: ["cpu.stat"],
    cpuacct: ["cpuacct.usage"],
    memory: ["memory.oom_control", "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.stat"],
    pids: ["pids.current"],
  },
  2: {
    cpu: ["cpu.stat"],
    memory: ["memory.events", "memory.current", "memory.max", "memory.stat"],
    pids: ["pids.current"],
  },
};

/** The counters in a cgroup's files, of either version. */
export function parseCounters(files: CgroupFiles): CgroupCounters {
  const single = (...names: string[]) => {
    const text = names.map((name) => files[name]).find((content) => content !== undefined);
    return text === undefined ? null : parseSingleValue(text);
  };
  const cpu = parseFlatKeyed(files["cpu.stat"] ?? "");
  const stat = parseFlatKeyed(files["memory.stat"] ?? "");
  const memoryBytes = single("memory.current", "memory.usage_in_bytes");
  const inactive = stat.get("total_inactive_file") ?? stat.get("inactive_file") ?? 0;
  const usageNs = single("cpuacct.usage");
  const throttledNs = cpu.get("throttled_time");
  return {
    oomKills: parseFlatKeyed(files["memory.events"] ?? files["memory.oom_control"] ?? "").get("oom_kill") ??
      0,
    memoryBytes,
    memoryLimitBytes: single("memory.max", "memory.limit_in_bytes"),
    memoryWorkingSetBytes: memoryBytes === null ? null : Math.max(0, memoryBytes - inactive),
    cpuUsageUs: cpu.get("usage_usec") ?? (usageNs === null ? null : Math.floor(usageNs / 1000)),
    cpuThrottledUs: cpu.get("throttled_usec") ??
      (throttledNs === undefined ? null : Math.floor(throttledNs / 1000)),
    pids: single("pids.current"),
  };
}
