import { errnoNumber } from "../base/mod.ts";

/** What seedpod asks of /proc/PID/stat. */
export interface ProcStat {
  readonly pid: number;
  /** The executable's name, at most 15 bytes of anything. */
  readonly comm: string;
  /** `R`, `S`, `D`, `Z` and so on. */
  readonly state: string;
  readonly ppid: number;
  /** Clock ticks from the machine's boot to the process's start: with the PID, a name that is never given twice. */
  readonly startTicks: number;
}

/** Clock ticks a second that /proc counts in: USER_HZ, 100 on every architecture that Deno runs on. */
const TICKS_PER_SECOND = 100;
/** Fields behind `comm`, from proc_pid_stat(5): its numbers less the two before. */
const STATE = 0;
const PPID = 1;
const START_TIME = 19;

/** The process of a /proc/PID/stat file, or null when the text is none. */
export function parseProcStat(text: string): ProcStat | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).trimEnd().split(" ");
  const [state, ppid, start] = [fields[STATE], fields[PPID], fields[START_TIME]];
  if (open < 1 || close < open || state === undefined || ppid === undefined || start === undefined) {
    return null;
  }
  return {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, close),
    state,
    ppid: Number(ppid),
    startTicks: Number(start),
  };
}

/** Asks the kernel about a process; null when there is none. */
export function readProcStat(pid: number): ProcStat | null {
  try {
    return parseProcStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isGone(error)) return null;
    throw error;
  }
}

/** ESRCH, which Deno has no name for: the process ended between the file's open and its read. */
function isGone(error: unknown): boolean {
  return error instanceof Error && error.message.includes(`(os error ${errnoNumber("ESRCH")})`);
}

/** When the machine booted, in milliseconds of Unix time, from the text of /proc/stat; null when it does not say. */
export function parseBootTimeMs(text: string): number | null {
  const match = /^btime (\d+)$/m.exec(text);
  return match === null ? null : Number(match[1]) * 1000;
}

/** When a process started, in milliseconds of Unix time, to a hundredth of a second. */
export function startedAtMs(stat: ProcStat, bootTimeMs: number): number {
  return bootTimeMs + stat.startTicks * (1000 / TICKS_PER_SECOND);
}
