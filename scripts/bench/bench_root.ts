import $ from "dax";
import { type DeclaredPod, type Machine, openMachine, readManifests } from "../../runner/engine/mod.ts";
import { removeEmptyCgroup } from "../../runner/linux/mod.ts";
import { rootPlaces } from "../../runner/state/mod.ts";

const MAIN = new URL("../../runner/main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** A root of its own for the measurements. As on every machine its run directory is in memory. */
export class BenchRoot implements AsyncDisposable {
  /** A directory for files. */
  readonly files: string;
  /** SEEDPOD_ROOT. */
  readonly path: string;
  readonly machine: Machine;

  private constructor(files: string) {
    this.files = files;
    this.path = `${files}/root`;
    this.machine = openMachine(rootPlaces(this.path));
    this.machine.ensureCgroups();
  }

  /** Makes the directories. */
  static async make(): Promise<BenchRoot> {
    const files = await Deno.makeTempDir({ prefix: "seedpod-bench-" });
    await Deno.mkdir(`${files}/root/run`, { recursive: true });
    await $`mount -t tmpfs -o mode=700 seedpod-bench ${files}/root/run`;
    return new BenchRoot(files);
  }

  /** The pods of a manifest. */
  async declared(manifest: string): Promise<readonly DeclaredPod[]> {
    const path = `${this.files}/pods.yaml`;
    await Deno.writeTextFile(path, manifest);
    const { pods, diagnostics } = await readManifests([path]);
    if (pods.length === 0) throw new Error(diagnostics.map(({ message }) => message).join("; "));
    return pods;
  }

  /** Runs a command of the program on this root to its end; it must succeed. */
  async seedpod(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--quiet", "--no-check", "--config", CONFIG, MAIN, ...args],
      env: { SEEDPOD_ROOT: this.path, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    if (code !== 0) throw new Error(`seedpod ${args.join(" ")}: ${error}`);
    return out!;
  }

  /** Removes every pod, waits until the daemon has gone, and removes the root. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.seedpod("down", "--all", "--grace-period", "0");
    while (this.daemonPid() !== undefined) await new Promise((resolve) => setTimeout(resolve, 50));
    removeEmptyCgroup(this.machine.facts.cgroups, this.machine.facts.cgroupParent);
    await $`umount -l ${this.path}/run`;
    await Deno.remove(this.files, { recursive: true });
  }

  /** The daemon that serves the root now. */
  daemonPid(): number | undefined {
    try {
      const pid = Number(Deno.readTextFileSync(`${this.path}/run/daemon.pid`));
      return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("\0serve\0") ? pid : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The manifest of a pod whose containers only sleep. */
export function sleepers(name: string, containers: readonly string[]): string {
  return [
    "apiVersion: v1",
    "kind: Pod",
    `metadata: { name: ${name} }`,
    "spec:",
    "  containers:",
    ...containers.map((each) => `    - { name: ${each}, image: host, command: [/bin/sleep, "1000000"] }`),
    "",
  ].join("\n");
}
