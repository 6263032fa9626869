/** The fields of `/proc/PID/status`. */
export function processStatus(pid: number): Map<string, string> {
  const lines = Deno.readTextFileSync(`/proc/${pid}/status`).split("\n");
  return new Map(lines.map((line) => {
    const [name = "", value = ""] = line.split(":\t");
    return [name, value.trim()];
  }));
}

/** The PIDs of a process's children, zombies included. */
export function childrenOf(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** The PIDs of all that is below a process. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** One line of `/proc/PID/smaps_rollup`, in kB. */
export function memoryKb(pid: number, name: string): number {
  const found = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`).match(
    new RegExp(`^${name}: +(\\d+) kB$`, "m"),
  );
  return Number(found?.[1]);
}
