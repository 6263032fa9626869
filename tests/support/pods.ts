/** Whole pods on the real kernel: a root of its own for each test, and a look for leaks after it. */
import { ok, strictEqual } from "node:assert/strict";
import type { Pod } from "../../schema/kubernetes/mod.ts";
import { rootPlaces } from "../../runner/state/mod.ts";
import { IN_PROCESS, InProcess } from "./in_process.ts";

const MAIN = new URL("../../runner/main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** What a command said. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One root with its pods. */
export class TestRoot {
  /** SEEDPOD_ROOT. */
  readonly path: string;
  /** A directory for manifests and other files of the test. */
  readonly files: string;
  #manifests = 0;
  readonly #inProcess: InProcess | undefined;

  /** Makes the directories. With `processes` commands always are processes of their own. */
  constructor(processes = false) {
    const base = Deno.makeTempDirSync({ prefix: "seedpod-test-" });
    this.path = `${base}/root`;
    this.files = `${base}/files`;
    this.#inProcess = IN_PROCESS && !processes ? new InProcess(this.path) : undefined;
    Deno.mkdirSync(this.files);
  }

  /** The cgroup of this root below each hierarchy. */
  get cgroupParent(): string {
    return rootPlaces(this.path).cgroupParent;
  }

  /** The program and its arguments for a command, as a shell on another terminal would start it. */
  shellWords(args: readonly string[]): { cmd: string; args: string[] } {
    const own = ["run", "--allow-all", "--quiet", "--no-check", "--config", CONFIG, MAIN];
    return { cmd: Deno.execPath(), args: [...own, ...args] };
  }

  /** A command of the program on this root, to be spawned as the test needs it. */
  command(args: readonly string[], options: Deno.CommandOptions = {}): Deno.Command {
    return new Deno.Command(Deno.execPath(), {
      args: this.shellWords(args).args,
      cwd: this.files,
      ...options,
      env: { SEEDPOD_ROOT: this.path, NO_COLOR: "1", ...options.env },
    });
  }

  /** Runs a command to its end, with `stdin` as its input. */
  async run(args: readonly string[], stdin = ""): Promise<Said> {
    if (this.#inProcess && stdin === "" && !readsInput(args)) return await this.#inProcess.run(args);
    const child = this.command(args, { stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin)).then(() => writer.close()).catch(() => {});
    const { code, stdout, stderr } = await child.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }

  /** The same for a command that must succeed; gives what it printed. */
  async ok(...args: string[]): Promise<string> {
    const said = await this.run(args);
    strictEqual(said.code, 0, `seedpod ${args.join(" ")} gave ${said.code}: ${said.stdout}${said.stderr}`);
    return said.stdout;
  }

  /** Writes a manifest and gives its path. */
  manifest(text: string): string {
    const path = `${this.files}/manifest-${this.#manifests++}.yaml`;
    Deno.writeTextFileSync(path, text);
    return path;
  }

  /** `up -d` of a manifest that must succeed. */
  async up(text: string): Promise<string> {
    const path = this.manifest(text);
    await this.ok("up", "-d", path);
    return path;
  }

  /** The pod as `get -o json` shows it. */
  async pod(name: string): Promise<Pod> {
    return JSON.parse(await this.ok("get", "pods", name, "-o", "json")) as Pod;
  }

  /** Every pod. */
  async pods(): Promise<Pod[]> {
    return (JSON.parse(await this.ok("get", "pods", "-o", "json")) as { items: Pod[] }).items;
  }

  /** Asks for the pod until it is as wanted, at most `timeoutMs`; what it was last is in the error. */
  async until(name: string, wanted: (pod: Pod) => boolean, timeoutMs = 20_000): Promise<Pod> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const pod = await this.pod(name);
      if (wanted(pod)) return pod;
      ok(
        performance.now() < deadlineMs,
        `pod ${name} did not become what was wanted: ${JSON.stringify(pod.status)}`,
      );
    }
  }

  /** Runs a shell script in a container and gives what it printed; it must succeed. */
  async sh(pod: string, container: string, script: string): Promise<string> {
    return await this.ok("exec", pod, "-c", container, "--", "sh", "-c", script);
  }

  /** Directories of the pod's (or a container's) cgroup in every hierarchy of this machine, below this root's. */
  cgroups(): string[] {
    return cgroupDirectories(this.cgroupParent);
  }

  /** Removes every pod, waits for the daemon's end, and looks for what was left behind. */
  async close(): Promise<void> {
    const said = await this.run(["down", "--all", "--grace-period", "0"]);
    strictEqual(said.code, 0, `down --all failed: ${said.stdout}${said.stderr}`);
    await this.#inProcess?.close();
    await this.#daemonGone();
    const left = [...walk(this.path)].filter((path) =>
      !/\/run\/(accept\.lock|daemon\.(lock|pid))$/.test(path)
    );
    Deno.removeSync(this.path.replace(/\/root$/, ""), { recursive: true });
    strictEqual(left.join("\n"), "", "files were left behind");
    strictEqual(this.cgroups().join("\n"), "", "cgroups were left behind");
    strictEqual(
      mounts().filter((line) => line.includes(this.path)).join("\n"),
      "",
      "mounts were left behind",
    );
    strictEqual(this.#processes().join(" "), "", "processes were left behind");
  }

  /** Live processes in this root's cgroups or with its files mounted; other instances may run beside this one. */
  #processes(): string[] {
    const pids = [...Deno.readDirSync("/proc")].map((entry) => entry.name).filter((name) =>
      /^\d+$/.test(name)
    );
    return pids.filter((pid) => {
      try {
        const places = Deno.readTextFileSync(`/proc/${pid}/cgroup`) +
          Deno.readTextFileSync(`/proc/${pid}/mountinfo`);
        return places.includes(`/${this.cgroupParent}/`) || places.includes(`${this.path}/`);
      } catch {
        return false;
      }
    });
  }

  /** Ends the daemon that `up -d` left behind; the pods go on. */
  async stopDaemon(): Promise<void> {
    Deno.kill(Number(Deno.readTextFileSync(`${this.path}/run/daemon.pid`)), "SIGTERM");
    await this.#daemonGone();
  }

  async #daemonGone(): Promise<void> {
    let pid: string;
    try {
      pid = Deno.readTextFileSync(`${this.path}/run/daemon.pid`).trim();
    } catch {
      return;
    }
    const deadlineMs = performance.now() + 20_000;
    while (isDaemon(pid)) {
      ok(performance.now() < deadlineMs, `the daemon ${pid} stays although no pod is left`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Whether a command's words ask for standard input or a terminal. */
function readsInput(args: readonly string[]): boolean {
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  return own.some((word) => /^(-[it]+|-|--stdin|--tty)$/.test(word));
}

function isDaemon(pid: string): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("main.ts\0serve");
  } catch {
    return false;
  }
}

function mounts(): string[] {
  return Deno.readTextFileSync("/proc/self/mountinfo").trim().split("\n");
}

function* walk(path: string): Generator<string> {
  for (const entry of Deno.readDirSync(path)) {
    if (entry.isDirectory) yield* walk(`${path}/${entry.name}`);
    else yield `${path}/${entry.name}`;
  }
}

/** The directories of a cgroup in every hierarchy that is mounted. */
export function cgroupDirectories(path: string): string[] {
  const points = mounts().filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(" ")[4]!);
  return points.map((point) => `${point}/${path}`).filter((directory) => {
    try {
      return Deno.statSync(directory).isDirectory;
    } catch {
      return false;
    }
  });
}

/** Gives a body a root of its own, and fails when anything of it is left afterwards. */
export async function podTestBody(
  body: (root: TestRoot) => Promise<void>,
  processes = false,
): Promise<void> {
  const root = new TestRoot(processes);
  try {
    await body(root);
  } catch (error) {
    // the test's own error counts, not what its unfinished pods leave
    await root.close().catch(() => {});
    throw error;
  }
  await root.close();
}

/**
 * A test of whole pods; `ignore` says why the machine cannot run it, `processes` that it kills or watches seedpod's own
 * processes, which are then started on every machine.
 */
export function podTest(
  name: string,
  body: (root: TestRoot) => Promise<void>,
  options: { ignore?: string | false; processes?: boolean } = {},
): void {
  const ignore = options.ignore ?? false;
  Deno.test({
    name: ignore ? `${name} (skipped: ${ignore})` : name,
    ignore: ignore !== false,
    fn: () => podTestBody(body, options.processes),
  });
}
