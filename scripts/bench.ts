// deno-lint-ignore-file no-console -- a program for the terminal
/**
 * Measures seedpod beside its floor (the same system calls in plain C) and its peers, in one run on one machine, in turns.
 *
 *     deno task bench              everything, in less than three minutes
 *     deno task bench --quick      fewer rounds, at most 100 pods, in less than 40 seconds
 *     deno task bench --only start|exec|logs|memory|daemon
 *
 * Installs by apt what is measured beside seedpod; what cannot be had is said, and the rest is measured.
 */
import { setPriority } from "node:os";
import { parseArgs } from "node:util";
import { messageOf } from "../runner/base/mod.ts";
import { installPackages } from "./apt.ts";
import * as bench from "./bench/mod.ts";

/** busybox is what the peers run; catatonit is podman's pause container. */
const PACKAGES = ["gcc", "libc6-dev", "busybox-static", "crun", "runc", "podman", "conmon", "catatonit"];

/** The lines to cross. */
const MAX_TIMES_FLOOR = 1.2;
const MIN_TIMES_PODMAN = 50;
const MAX_INFRA_KB = 40;
const MIN_LOG_BYTES_PER_SECOND = 200e6;

const HIGHEST_PRIORITY = -20;
/** Rounds that are thrown away: until the code is compiled and the caches are filled. */
const WARM_UP_ROUNDS = 60;

/** Longest start of one batch of pods: the whole benchmark ends within three minutes. */
const DAEMON_STEP_LIMIT_MS = 40_000;

const PARTS = ["start", "exec", "logs", "memory", "daemon"] as const;
type Part = (typeof PARTS)[number];

/** How much is measured. */
interface Amount {
  readonly rounds: number;
  readonly peerRounds: number;
  readonly podmanRounds: number;
  readonly logMegabytes: number;
  readonly logRounds: number;
  readonly pods: readonly number[];
}

const FULL: Amount = {
  rounds: 30,
  peerRounds: 20,
  podmanRounds: 8,
  logMegabytes: 120,
  logRounds: 3,
  pods: [1, 100, 500],
};
const QUICK: Amount = {
  rounds: 20,
  peerRounds: 5,
  podmanRounds: 2,
  logMegabytes: 40,
  logRounds: 1,
  pods: [1, 20],
};

/** Who is measured beside seedpod, as far as the machine has it. */
interface Peers {
  readonly crun: bench.OciPeer | undefined;
  readonly runc: bench.OciPeer | undefined;
  readonly podman: bench.PodmanPeer | undefined;
  /** Who is not there, and why. */
  readonly absent: readonly bench.Row[];
}

async function openPeers(shell: bench.PeerShell, files: string): Promise<Peers> {
  const absent: bench.Row[] = [];
  const open = async <T>(name: string, make: () => Promise<T>): Promise<T | undefined> => {
    try {
      if (!(await bench.isInstalled(name))) throw new Error("not installed");
      return await make();
    } catch (error) {
      absent.push({ what: name, value: "-", note: messageOf(error) });
      return undefined;
    }
  };
  await bench.makeRootfs(files);
  return {
    crun: await open("crun", () => bench.OciPeer.make(shell, "crun", files)),
    runc: await open("runc", () => bench.OciPeer.make(shell, "runc", files)),
    podman: await open("podman", () => bench.PodmanPeer.make(shell, files)),
    absent,
  };
}

/** Measures a contender alone; a row that says why when it cannot be. */
async function peerRow(
  contender: bench.Contender,
  rounds: number,
): Promise<{ row: bench.Row; tookMs: number | undefined }> {
  try {
    const times = await bench.interleave([contender], rounds);
    const tookMs = bench.median(times.get(contender.name)!);
    return { row: { what: contender.name, value: bench.ms(tookMs) }, tookMs };
  } catch (error) {
    return { row: { what: contender.name, value: "-", note: messageOf(error) }, tookMs: undefined };
  }
}

async function measureStart(root: bench.BenchRoot, peers: Peers, amount: Amount): Promise<bench.Section> {
  const [declared] = await root.declared(bench.sleepers("two", ["one", "two"]));
  const [seedpod, floor] = [bench.seedpodStart(root, declared!), await bench.makeFloor(root, declared!)];
  await bench.interleave([seedpod], WARM_UP_ROUNDS);
  const times = await bench.interleave([floor, seedpod], amount.rounds);
  const [floorMs, seedpodMs] = [floor, seedpod].map(({ name }) => bench.median(times.get(name)!));
  const rows: bench.Row[] = [
    { what: "plain C, the same system calls", value: bench.ms(floorMs!) },
    {
      what: "seedpod, warm",
      value: bench.ms(seedpodMs!),
      line: {
        text: `${(seedpodMs! / floorMs!).toFixed(2)} x plain C, line ${MAX_TIMES_FLOOR}`,
        crossed: seedpodMs! <= MAX_TIMES_FLOOR * floorMs!,
      },
    },
  ];
  for (const oci of [peers.crun, peers.runc]) {
    if (oci) rows.push((await peerRow(oci.start(), amount.peerRounds)).row);
  }
  if (peers.podman) {
    const { row, tookMs } = await peerRow(peers.podman.start(), amount.podmanRounds);
    const times = tookMs === undefined ? undefined : tookMs / seedpodMs!;
    const line = times !== undefined && {
      line: {
        text: `seedpod is ${times.toFixed(0)} x faster, line ${MIN_TIMES_PODMAN}`,
        crossed: times >= MIN_TIMES_PODMAN,
      },
    };
    rows.push({ ...row, ...line });
  }
  return { title: "Start of a pod of two containers, until both are executed (median)", rows };
}

async function measureExec(root: bench.BenchRoot, peers: Peers, amount: Amount): Promise<bench.Section> {
  const [declared] = await root.declared(bench.sleepers("exec", ["one"]));
  const pod = await bench.startPod(root, declared!);
  const rows: bench.Row[] = [];
  try {
    const engine = bench.engineExec(root, pod);
    await bench.interleave([engine], WARM_UP_ROUNDS);
    rows.push((await peerRow(engine, amount.rounds)).row);
    rows.push((await peerRow(bench.commandExec(root, pod), amount.peerRounds)).row);
  } finally {
    await pod.remove();
  }
  for (const oci of [peers.crun, peers.runc]) {
    if (!oci) continue;
    const { contender, end } = await oci.exec();
    rows.push((await peerRow(contender, amount.peerRounds)).row);
    await end();
  }
  if (peers.podman) {
    const { exec, end } = await peers.podman.running();
    rows.push((await peerRow(exec, amount.peerRounds)).row);
    await end();
  }
  return { title: "A command in a running container, until its exit status (median)", rows };
}

async function measureMemory(root: bench.BenchRoot, peers: Peers): Promise<bench.Section> {
  const [declared] = await root.declared(bench.sleepers("memory", ["one", "two"]));
  const pod = await bench.startPod(root, declared!);
  const infra = pod.state.sandbox.at === "ready" ? bench.memoryOfProcess(pod.state.sandbox.pid) : undefined;
  await pod.remove();
  if (!infra) throw new Error("the pod has no infra");
  const largest = Math.max(infra.rss, infra.pss);
  const rows: bench.Row[] = [{
    what: "seedpod: infra",
    value: `${infra.pss} kB`,
    line: { text: `resident ${infra.rss} kB, line ${MAX_INFRA_KB}`, crossed: largest <= MAX_INFRA_KB },
    note: `private ${infra.own} kB`,
  }];
  if (peers.podman) {
    const { memoryPssKb, memoryOwnKb, end } = await peers.podman.running();
    await end();
    rows.push({
      what: "podman: conmon and pause",
      value: `${memoryPssKb} kB`,
      note: `private ${memoryOwnKb} kB`,
    });
  }
  return { title: "Memory of a pod of two containers besides its own processes (proportional)", rows };
}

async function measureLogs(root: bench.BenchRoot, peers: Peers, amount: Amount): Promise<bench.Section> {
  const output = await bench.Output.make(root.files, amount.logMegabytes);
  const runs: { name: string; run: () => Promise<bench.LogRun> }[] = [
    { name: "seedpod: infra", run: () => bench.seedpodLog(root, output) },
  ];
  const { podman } = peers;
  if (podman) runs.push({ name: "podman: conmon", run: () => bench.conmonLog(podman, root.files, output) });
  const all = new Map(runs.map(({ name }) => [name, [] as bench.LogRun[]]));
  for (let round = 0; round < amount.logRounds; round++) {
    for (const { name, run } of runs) all.get(name)!.push(await run());
  }
  const rows = runs.map(({ name }, index): bench.Row => {
    const rate = bench.median(all.get(name)!.map(({ bytesPerSecond }) => bytesPerSecond));
    const lost = all.get(name)!.reduce((sum, run) => sum + run.lostLines, 0);
    const value = `${(rate / 1e6).toFixed(0)} MB/s`;
    const note = `${lost} lines lost`;
    if (index > 0) return { what: name, value, note };
    const crossed = rate >= MIN_LOG_BYTES_PER_SECOND && lost === 0;
    return {
      what: name,
      value,
      line: { text: `line ${MIN_LOG_BYTES_PER_SECOND / 1e6} MB/s`, crossed },
      note,
    };
  });
  return {
    title: `A container that prints ${amount.logMegabytes} MB, until all is in its log (median)`,
    rows,
  };
}

async function measureDaemon(root: bench.BenchRoot, amount: Amount): Promise<bench.Section> {
  const runs = await bench.growDaemon(root, amount.pods, DAEMON_STEP_LIMIT_MS);
  const rows = runs.map(({ pods, rssKb, startMs, started }): bench.Row => ({
    what: `${pods} ${pods === 1 ? "pod" : "pods"}`,
    value: `${(rssKb / 1024).toFixed(0)} MiB`,
    note: `up --detach of ${started}: ${bench.ms(startMs)}, ${bench.ms(startMs / started)} a pod`,
  }));
  const left = amount.pods.slice(runs.length).map((pods): bench.Row => ({
    what: `${pods} pods`,
    value: "-",
    note: `not measured: at this pace their start would take more than ${DAEMON_STEP_LIMIT_MS / 1000} s`,
  }));
  return { title: "The daemon's resident memory", rows: [...rows, ...left] };
}

function wanted(): { parts: readonly Part[]; amount: Amount } {
  const { values } = parseArgs({
    args: Deno.args,
    options: { quick: { type: "boolean" }, only: { type: "string", multiple: true } },
  });
  const unknown = values.only?.find((part) => !PARTS.some((known) => known === part));
  if (unknown !== undefined) {
    throw new Error(`Cannot measure "${unknown}": the parts are ${PARTS.join(", ")}`);
  }
  return {
    parts: PARTS.filter((part) => values.only?.includes(part) ?? true),
    amount: values.quick ? QUICK : FULL,
  };
}

async function main(): Promise<void> {
  const { parts, amount } = wanted();
  // what else the machine does is not what is measured; all that is started inherits it, the peers too
  setPriority(HIGHEST_PRIORITY);
  try {
    await installPackages(PACKAGES);
  } catch (error) {
    console.error(`Cannot install the peers: ${messageOf(error)}`);
  }
  await using root = await bench.BenchRoot.make();
  await using shell = new bench.PeerShell(await bench.PodmanPeer.environment(root.files));
  const peers = await openPeers(shell, root.files);
  const measure: Record<Part, () => Promise<bench.Section>> = {
    start: () => measureStart(root, peers, amount),
    exec: () => measureExec(root, peers, amount),
    logs: () => measureLogs(root, peers, amount),
    memory: () => measureMemory(root, peers),
    daemon: () => measureDaemon(root, amount),
  };
  for (const part of parts) console.log(bench.renderReport([await measure[part]()]));
  if (peers.absent.length > 0) {
    console.log(bench.renderReport([{ title: "Not measured", rows: peers.absent }]));
  }
  await peers.podman?.close();
}

await main();
