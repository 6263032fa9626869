/** What a process takes of the machine's memory, in kB. */
export interface Memory {
  /** Resident pages. */
  readonly rss: number;
  /** Resident pages, shared ones divided among those who share them. */
  readonly pss: number;
  /** Pages that nobody else has. */
  readonly own: number;
}

/** The memory of a process, from /proc/PID/smaps_rollup. */
export function memoryOfProcess(pid: number): Memory {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const field = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
  return { rss: field("Rss"), pss: field("Pss"), own: field("Private_Clean") + field("Private_Dirty") };
}

/** The processes whose command line contains a text. */
export function processesWith(text: string): { pid: number; command: string }[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(({ name }) => {
    try {
      const command = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ");
      return command.includes(text) ? [{ pid: Number(name), command }] : [];
    } catch {
      return [];
    }
  });
}
