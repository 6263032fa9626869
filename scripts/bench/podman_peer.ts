import { memoryOfProcess, processesWith } from "./memory.ts";
import type { PeerShell } from "./peer_shell.ts";
import { type Contender, elapsedMs } from "./statistics.ts";

const IMAGE = "localhost/seedpod-bench";

/** podman with storage of its own and an image of busybox alone: no registry, no network. */
export class PodmanPeer {
  readonly #shell: PeerShell;
  readonly #files: string;
  readonly #podman: string;
  readonly #pod: string;

  private constructor(shell: PeerShell, files: string) {
    this.#shell = shell;
    this.#files = files;
    const storage = `--root ${files}/storage --runroot ${files}/runroot --tmpdir ${files}/tmp`;
    this.#podman = `podman ${storage} --cgroup-manager=cgroupfs --events-backend=none`;
    this.#pod = `${files}/podman.yaml`;
  }

  /** What podman must be told by its environment: without CAP_SYS_RESOURCE it asks for more files and processes than it may have. */
  static async environment(files: string): Promise<Record<string, string>> {
    const path = `${files}/containers.conf`;
    await Deno.writeTextFile(
      path,
      '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n',
    );
    return { CONTAINERS_CONF: path };
  }

  /** Imports the image and writes the pod. */
  static async make(shell: PeerShell, files: string): Promise<PodmanPeer> {
    const peer = new PodmanPeer(shell, files);
    await shell.run(`tar -C ${files}/rootfs -c . | ${peer.#podman} import - ${IMAGE}`);
    const container = (name: string): string =>
      `    - { name: ${name}, image: ${IMAGE}, imagePullPolicy: Never, command: [/bin/busybox, sleep, "1000000"] }`;
    const lines = ["apiVersion: v1", "kind: Pod", "metadata: { name: bench }", "spec:", "  containers:"];
    await Deno.writeTextFile(peer.#pod, [...lines, container("one"), container("two"), ""].join("\n"));
    return peer;
  }

  async #play(): Promise<void> {
    await this.#shell.run(`${this.#podman} kube play --network none ${this.#pod} >/dev/null`);
  }

  async #down(): Promise<void> {
    await this.#shell.run(`${this.#podman} pod rm --force --time 0 bench >/dev/null`);
  }

  /** `kube play` of the pod of two containers. */
  start(): Contender {
    const measure = async (): Promise<number> => {
      const took = await elapsedMs(() => this.#play());
      await this.#down();
      return took;
    };
    return { name: "podman kube play", measure };
  }

  /** Starts the pod and gives the measuring of `exec` in it, its memory besides the user's processes, and its end. */
  async running(): Promise<
    { exec: Contender; memoryPssKb: number; memoryOwnKb: number; end: () => Promise<void> }
  > {
    await this.#play();
    const measure = (): Promise<number> =>
      elapsedMs(() => this.#shell.run(`${this.#podman} exec bench-one /bin/busybox true`));
    const monitors = processesWith(this.#files).filter(({ command }) => /^\S*conmon /.test(command));
    const pauses = monitors.flatMap(({ pid }) => childrenOf(pid)).filter((pid) =>
      nameOf(pid) === "catatonit"
    );
    const memories = [...monitors.map(({ pid }) => pid), ...pauses].map(memoryOfProcess);
    const sum = (of: "pss" | "own"): number => memories.reduce((all, memory) => all + memory[of], 0);
    return {
      exec: { name: "podman exec", measure },
      memoryPssKb: sum("pss"),
      memoryOwnKb: sum("own"),
      end: () => this.#down(),
    };
  }

  /** Runs a container whose output conmon keeps: it waits for the FIFO `/data/go`, then prints `/data/lines`. */
  async printer(data: string, log: string): Promise<() => Promise<void>> {
    const options =
      `--detach --name printer --network none --volume ${data}:/data --log-driver k8s-file --log-opt path=${log}`;
    const script = "read x < /data/go; /bin/busybox cat /data/lines; /bin/busybox sleep 1000000";
    await this.#shell.run(
      `${this.#podman} run ${options} ${IMAGE} /bin/busybox sh -c '${script}' >/dev/null`,
    );
    return async () => void await this.#shell.run(`${this.#podman} rm --force --time 0 printer >/dev/null`);
  }

  /** Unmounts what podman leaves mounted. */
  async close(): Promise<void> {
    await this.#shell.run(`umount ${this.#files}/storage/overlay 2>/dev/null || true`);
  }
}

function childrenOf(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

function nameOf(pid: number): string {
  return Deno.readTextFileSync(`/proc/${pid}/comm`).trim();
}
