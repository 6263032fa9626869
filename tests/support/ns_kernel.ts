/** What the kernel says of namespaces. */
import { containerPids, infraPid, processStatus, uidOf } from "./pod_processes.ts";
import type { TestRoot } from "./pods.ts";

/** The kinds of namespace that a pod may have, as /proc/PID/ns names them. */
export const NAMESPACES = ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"] as const;

/** A kind of namespace. */
export type NamespaceKind = typeof NAMESPACES[number];

/** The namespaces of a process, such as `net:[4026531840]`. */
export type Namespaces = Readonly<Record<NamespaceKind, string>>;

/** The namespaces of a process by its PID on the machine. */
export function namespacesOf(pid: number): Namespaces {
  const links = NAMESPACES.map((kind) => [kind, Deno.readLinkSync(`/proc/${pid}/ns/${kind}`)] as const);
  return Object.fromEntries(links) as Record<NamespaceKind, string>;
}

/** The kinds in which two processes share a namespace. */
export function sharedKinds(one: Namespaces, other: Namespaces): NamespaceKind[] {
  return NAMESPACES.filter((kind) => one[kind] === other[kind]);
}

/** The machine's PIDs of a pod: infra's, and those of the first processes of the containers named. */
export async function podPids(
  root: TestRoot,
  pod: string,
  ...containers: string[]
): Promise<[infra: number, ...containers: number[]]> {
  const uid = await uidOf(root, pod);
  return [infraPid(root, uid), ...containers.map((name) => containerPids(root, uid, name)[0]!)];
}

/** Who on the machine keeps one of the namespaces alive: processes that have not ended, open descriptors, mounts. */
export function holdersOf(namespaces: readonly string[]): string[] {
  const wanted = new Set(namespaces);
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || !isRunning(Number(name))) continue;
    const links = [...entriesOf(`/proc/${name}/ns`), ...entriesOf(`/proc/${name}/fd`)];
    found.push(...links.filter((link) => wanted.has(targetOf(link) ?? "")));
  }
  const mounts = Deno.readTextFileSync("/proc/self/mountinfo").split("\n");
  return [...found, ...mounts.filter((line) => wanted.has(line.split(" ")[3] ?? ""))];
}

function entriesOf(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => `${directory}/${name}`);
  } catch {
    return [];
  }
}

function targetOf(link: string): string | undefined {
  try {
    return Deno.readLinkSync(link);
  } catch {
    return undefined;
  }
}

/** Whether this process may lower the oom_score_adj of any process: CAP_SYS_RESOURCE. */
export function mayLowerOomScore(): boolean {
  return (BigInt(`0x${processStatus(Deno.pid).CapEff}`) >> 24n & 1n) === 1n;
}

/** Waits until a process is gone, or is nothing but an exit that nobody has asked for. */
export async function processGone(pid: number): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (isRunning(pid)) {
    if (performance.now() > deadlineMs) throw new Error(`process ${pid} does not end`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function isRunning(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/^[ZX]$/.test(stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "");
  } catch {
    return false;
  }
}
