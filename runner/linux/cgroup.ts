import {
  CGROUP_EMPTY_TIMEOUT_MS,
  errnoNumber,
  FLAGS,
  MAX_CGROUP_KILL_ROUNDS,
  MAX_CGROUP_POLL_MS,
  MAX_HELD_PROCESSES,
  messageOf,
  SeedpodError,
} from "../base/mod.ts";
import {
  type CgroupCounters,
  type CgroupHierarchy,
  type CgroupHost,
  type CgroupSetting,
  COUNTER_FILES,
  parseCounters,
} from "../plan/resources/mod.ts";
import { openPidfd, signalPidfd } from "../sys/mod.ts";

/** A process taken hold of (a pidfd), so that a PID given to another process in the meantime is not hit. */
export interface HeldProcess extends Disposable {
  /** Sends SIGKILL. */
  kill(): void;
}

/** Takes hold of a process; null when there is none of this PID. */
export type HoldProcess = (pid: number) => HeldProcess | null;

function holdByPidfd(pid: number): HeldProcess | null {
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) return null;
  return {
    kill: () => void signalPidfd(pidfd, FLAGS.SIGKILL),
    [Symbol.dispose]: () => pidfd[Symbol.dispose](),
  };
}

/**
 * The directory of a cgroup in one hierarchy; `path` is relative to the hierarchy's root (`seedpod/pod1234/infra`).
 * Throws a `SeedpodError` on a path that could lead elsewhere.
 */
export function cgroupDirectory(hierarchy: CgroupHierarchy, path: string): string {
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === ".." || name.includes("\0"))) {
    throw new SeedpodError(`Cannot use cgroup path "${path}": it is not a plain relative path`);
  }
  return `${hierarchy.mountPoint}/${path}`;
}

/** What a call gives, or `otherwise` when the file or directory does not exist (or on one more error number). */
function ifExists<T>(call: () => T, otherwise: T, orErrno = ENODEV): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isErrno(error, ENODEV) || isErrno(error, orErrno)) {
      return otherwise;
    }
    throw error;
  }
}

/** A file of a cgroup that was removed while the file was open. */
const ENODEV = errnoNumber("ENODEV");
const EBUSY = errnoNumber("EBUSY");
const EOPNOTSUPP = errnoNumber("EOPNOTSUPP");

/** Deno has no class for most error numbers; its messages carry them all. */
function isErrno(error: unknown, errno: number): boolean {
  return error instanceof Error && error.message.includes(`(os error ${errno})`);
}

/** A directory and all below it, the deepest first. Symbolic links are not followed: cgroupfs has none. */
function bottomUp(directory: string): string[] {
  const entries = ifExists(() => [...Deno.readDirSync(directory)], null);
  if (entries === null) return [];
  const below = entries.filter((entry) => entry.isDirectory).flatMap((entry) =>
    bottomUp(`${directory}/${entry.name}`)
  );
  return [...below, directory];
}

/**
 * The processes of one cgroup directory itself. PIDs outside of our PID namespace (0) are left out; a threaded cgroup's
 * are listed by the domain above it.
 */
function processesIn(directory: string): number[] {
  const text = ifExists(() => Deno.readTextFileSync(`${directory}/cgroup.procs`), "", EOPNOTSUPP);
  return text.split("\n").filter((line) => line !== "" && line !== "0").map(Number);
}

function processesBelow(hierarchy: CgroupHierarchy, path: string): number[] {
  return bottomUp(cgroupDirectory(hierarchy, path)).flatMap(processesIn);
}

/** The PIDs in a cgroup and below it, in any hierarchy, ascending. */
export function listProcesses(host: CgroupHost, path: string): number[] {
  const all = host.hierarchies.flatMap((hierarchy) => processesBelow(hierarchy, path));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** One round of killing: takes hold of each process, looks whether it is still in the cgroup, then kills it. */
function killRound(
  hierarchy: CgroupHierarchy,
  path: string,
  pids: readonly number[],
  hold: HoldProcess,
): void {
  using held = new DisposableStack();
  const processes = pids.map((pid) => [pid, held.use(hold(pid))] as const);
  const still = new Set(processesBelow(hierarchy, path));
  for (const [pid, process] of processes) {
    if (still.has(pid)) process?.kill();
  }
}

/** Kills in one v1 hierarchy, again and again until nobody is there who was not killed yet. */
function killByPid(hierarchy: CgroupHierarchy, path: string, hold: HoldProcess): void {
  const killed = new Set<number>();
  for (let round = 0; round < MAX_CGROUP_KILL_ROUNDS; round++) {
    const pids = processesBelow(hierarchy, path).filter((pid) => !killed.has(pid));
    if (pids.length === 0) return;
    const some = pids.slice(0, MAX_HELD_PROCESSES);
    killRound(hierarchy, path, some, hold);
    for (const pid of some) killed.add(pid);
  }
  throw new SeedpodError(`Cannot kill cgroup "${path}": it makes processes faster than they can be killed`);
}

/**
 * Sends SIGKILL to every process in a cgroup and below it: at one stroke by v2's cgroup.kill where the cgroup is also in
 * the v2 hierarchy, then whoever is left in a v1 hierarchy. Does not wait for the deaths: {@linkcode removeCgroupTree} does.
 */
export function killCgroup(host: CgroupHost, path: string, hold: HoldProcess = holdByPidfd): void {
  const byVersion = [...host.hierarchies].sort((a, b) => b.version - a.version);
  for (const hierarchy of byVersion) {
    if (hierarchy.version === 1) killByPid(hierarchy, path, hold);
    else {
      const file = `${cgroupDirectory(hierarchy, path)}/cgroup.kill`;
      ifExists(() => Deno.writeTextFileSync(file, "1", { create: false }), undefined);
    }
  }
}

/** Removes what is empty of a cgroup in every hierarchy; gives the directories that still hold processes. */
function removeWhatIsEmpty(host: CgroupHost, path: string): string[] {
  const directories = host.hierarchies.flatMap((hierarchy) => bottomUp(cgroupDirectory(hierarchy, path)));
  return directories.filter((directory) => {
    try {
      ifExists(() => Deno.removeSync(directory), undefined);
      return false;
    } catch (error) {
      if (isErrno(error, EBUSY)) return true;
      throw new SeedpodError(`Cannot remove cgroup "${directory}": ${messageOf(error)}`, { cause: error });
    }
  });
}

/**
 * Removes a cgroup and all below it in every hierarchy; what does not exist is fine. Dying processes are waited for, at
 * most `timeoutMs`; then it throws a `SeedpodError` that names those who are left.
 */
export async function removeCgroupTree(
  host: CgroupHost,
  path: string,
  timeoutMs: number = CGROUP_EMPTY_TIMEOUT_MS,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pauseMs = 1;; pauseMs = Math.min(2 * pauseMs, MAX_CGROUP_POLL_MS)) {
    if (removeWhatIsEmpty(host, path).length === 0) return;
    if (performance.now() > deadlineMs) {
      const pids = listProcesses(host, path);
      throw new SeedpodError(`Cannot remove cgroup "${path}": it still holds ${pids.length} processes`, {
        hint: `See what keeps them: ${pids.slice(0, 8).map((pid) => `/proc/${pid}/stack`).join(", ")}`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** Removes a cgroup where nothing is in it or below it any more; where something is, it stays. */
export function removeEmptyCgroup(host: CgroupHost, path: string): void {
  for (const hierarchy of host.hierarchies) {
    try {
      ifExists(() => Deno.removeSync(cgroupDirectory(hierarchy, path)), undefined);
    } catch (error) {
      if (!isErrno(error, EBUSY)) throw error;
    }
  }
}

function hierarchyNumbered(host: CgroupHost, id: number): CgroupHierarchy {
  const hierarchy = host.hierarchies.find((h) => h.id === id);
  if (hierarchy === undefined) {
    throw new SeedpodError(`Cannot find cgroup hierarchy "${id}": it is not mounted`);
  }
  return hierarchy;
}

/**
 * Writes settings into an existing cgroup, in their order. A file that does not exist is an error where the setting
 * requires it; any other refusal of the kernel is one always (`SeedpodError`, the user's where the manifest asked).
 */
export function writeCgroupSettings(
  host: CgroupHost,
  path: string,
  settings: readonly CgroupSetting[],
): void {
  for (const { hierarchy, file, value, required, from } of settings) {
    const directory = cgroupDirectory(hierarchyNumbered(host, hierarchy), path);
    try {
      Deno.writeTextFileSync(`${directory}/${file}`, value, { create: false });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && !required) continue;
      throw new SeedpodError(
        `Cannot write "${value}" to "${file}" of cgroup "${path}": ${messageOf(error)}`,
        {
          cause: error,
          fault: from === null ? "ours" : "user",
        },
      );
    }
  }
}

/** The settings whose file this kernel does not have, asked of a cgroup that exists (the parent of all pods). */
export function missingCgroupFiles(
  host: CgroupHost,
  parent: string,
  settings: readonly CgroupSetting[],
): CgroupSetting[] {
  return settings.filter(({ required, hierarchy, file }) => {
    const directory = cgroupDirectory(hierarchyNumbered(host, hierarchy), parent);
    return required && ifExists(() => Deno.lstatSync(`${directory}/${file}`), null) === null;
  });
}

/** What a cgroup has used so far and how many the OOM killer took from it; zero or null where it does not exist. */
export function readCounters(host: CgroupHost, path: string): CgroupCounters {
  const files = host.hierarchies.flatMap((hierarchy) => {
    const directory = cgroupDirectory(hierarchy, path);
    const byController = COUNTER_FILES[hierarchy.version];
    return hierarchy.controllers.flatMap((name) => byController[name] ?? []).map((file) =>
      [file, ifExists(() => Deno.readTextFileSync(`${directory}/${file}`), undefined)] as const
    );
  });
  return parseCounters(Object.fromEntries(files));
}
