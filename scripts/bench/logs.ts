import $ from "dax";
import { podPlaces, readLogLines } from "../../runner/state/mod.ts";
import type { BenchRoot } from "./bench_root.ts";
import type { PodmanPeer } from "./podman_peer.ts";
import { startPod } from "./pod_start.ts";

const LINE_BYTES = 120;
const NUMBER_DIGITS = 9;
/** How long the whole output may take to be in the log. */
const TIME_LIMIT_MS = 60_000;
const POLL_MS = 2;

/** What became of a container's output. */
export interface LogRun {
  /** Bytes of output, without what the log adds to them, a second. */
  readonly bytesPerSecond: number;
  /** Lines that are missing in what the log's files still hold. */
  readonly lostLines: number;
}

/** Numbered lines and a FIFO that lets a container print them. */
export class Output {
  readonly directory: string;
  readonly lines: number;

  private constructor(directory: string, lines: number) {
    this.directory = directory;
    this.lines = lines;
  }

  /** Writes about so many megabytes. */
  static async make(files: string, megabytes: number): Promise<Output> {
    const directory = `${files}/output`;
    const lines = Math.ceil(megabytes * 1e6 / LINE_BYTES);
    await Deno.mkdir(directory);
    const filling = "x".repeat(LINE_BYTES - NUMBER_DIGITS - 2);
    const numbers = Array.from({ length: lines }, (_, index) => `${numbered(index)} ${filling}\n`);
    await Deno.writeTextFile(`${directory}/lines`, numbers.join(""));
    await $`mkfifo ${directory}/go`;
    return new Output(directory, lines);
  }

  /** Lets the container print, and waits until the last line is in the log file; gives bytes a second. */
  async print(log: string): Promise<number> {
    const last = numbered(this.lines - 1);
    await Deno.writeTextFile(`${this.directory}/go`, "go\n");
    const beganMs = performance.now();
    while (!endOf(log).includes(last)) {
      if (performance.now() - beganMs > TIME_LIMIT_MS) throw new Error(`the last line is not in ${log}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return this.lines * LINE_BYTES / (performance.now() - beganMs) * 1000;
  }
}

function numbered(index: number): string {
  return String(index).padStart(NUMBER_DIGITS, "0");
}

/** The last bytes of a file; nothing when it is not there. */
function endOf(path: string): string {
  try {
    using file = Deno.openSync(path);
    const room = new Uint8Array(2 * LINE_BYTES);
    file.seekSync(Math.max(0, file.statSync().size - room.length), Deno.SeekMode.Start);
    return new TextDecoder().decode(room.subarray(0, file.readSync(room) ?? 0));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** How many numbers are missing between the first that is there and the last that was printed. */
class Gaps {
  lost = 0;
  #next: number | undefined;

  see(line: string): void {
    const number = Number.parseInt(line);
    this.lost += this.#next === undefined ? 0 : Math.abs(number - this.#next);
    this.#next = number + 1;
  }

  through(count: number): number {
    return this.lost + count - (this.#next ?? 0);
  }
}

/** seedpod: infra's log files, with their rotation. */
export async function seedpodLog(root: BenchRoot, output: Output): Promise<LogRun> {
  const [declared] = await root.declared([
    "apiVersion: v1",
    "kind: Pod",
    "metadata: { name: printer }",
    "spec:",
    `  volumes: [{ name: data, hostPath: { path: ${output.directory} } }]`,
    "  containers:",
    "    - name: printer",
    "      image: host",
    "      command: [/bin/busybox, sh, -c, 'read x < /data/go; /bin/busybox cat /data/lines; /bin/busybox sleep 1000000']",
    "      volumeMounts: [{ name: data, mountPath: /data }]",
    "",
  ].join("\n"));
  const pod = await startPod(root, declared!);
  try {
    const directory = `${podPlaces(root.machine.root, pod.desired.uid, pod.desired.pod).logs}/printer`;
    const bytesPerSecond = await output.print(`${directory}/0.log`);
    return { bytesPerSecond, lostLines: await lostLines(directory, output) };
  } finally {
    await pod.remove();
  }
}

/** conmon, as podman has it keep a container's output: one file, in the same format. */
export async function conmonLog(podman: PodmanPeer, files: string, output: Output): Promise<LogRun> {
  const directory = await Deno.makeTempDir({ dir: files });
  const log = `${directory}/0.log`;
  const end = await podman.printer(output.directory, log);
  try {
    const bytesPerSecond = await output.print(log);
    return { bytesPerSecond, lostLines: await lostLines(directory, output) };
  } finally {
    await end();
    await Deno.remove(directory, { recursive: true });
  }
}

async function lostLines(directory: string, output: Output): Promise<number> {
  const gaps = new Gaps();
  const decoder = new TextDecoder();
  for await (const batch of readLogLines({ directory, attempt: 0 })) {
    for (const { text } of batch) gaps.see(decoder.decode(text));
  }
  return gaps.through(output.lines);
}
