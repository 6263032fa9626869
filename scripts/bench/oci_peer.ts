import $ from "dax";
import type { PeerShell } from "./peer_shell.ts";
import { type Contender, elapsedMs } from "./statistics.ts";

/** Makes a rootfs with nothing in it but busybox; gives its path. */
export async function makeRootfs(files: string): Promise<string> {
  const rootfs = `${files}/rootfs`;
  await Deno.mkdir(`${rootfs}/bin`, { recursive: true });
  await Deno.copyFile("/bin/busybox", `${rootfs}/bin/busybox`);
  await Deno.symlink("busybox", `${rootfs}/bin/sh`);
  return rootfs;
}

interface OciConfig {
  process: { terminal: boolean; args: string[] };
  root: { path: string };
  linux: { cgroupsPath: string };
}

/** crun or runc with a bundle whose only process sleeps: the peers of one container's start. */
export class OciPeer {
  readonly #shell: PeerShell;
  readonly #command: string;
  readonly #name: "crun" | "runc";
  readonly #bundle: string;

  private constructor(shell: PeerShell, name: "crun" | "runc", bundle: string) {
    this.#shell = shell;
    this.#name = name;
    this.#bundle = bundle;
    this.#command = `${name} --root ${bundle}/state`;
  }

  /** Writes the bundle: what the runtime itself proposes, without a terminal. */
  static async make(shell: PeerShell, name: "crun" | "runc", files: string): Promise<OciPeer> {
    const bundle = `${files}/${name}`;
    await Deno.mkdir(bundle, { recursive: true });
    await $`${name} spec`.cwd(bundle).quiet();
    const config = JSON.parse(await Deno.readTextFile(`${bundle}/config.json`)) as OciConfig;
    config.process.terminal = false;
    config.process.args = ["/bin/busybox", "sleep", "1000000"];
    config.root.path = `${files}/rootfs`;
    config.linux.cgroupsPath = `/seedpod-bench-${name}`;
    await Deno.writeTextFile(`${bundle}/config.json`, JSON.stringify(config));
    return new OciPeer(shell, name, bundle);
  }

  async #run(): Promise<void> {
    await this.#shell.run(`${this.#command} run --detach --bundle ${this.#bundle} bench >/dev/null`);
  }

  async #delete(): Promise<void> {
    await this.#shell.run(`${this.#command} delete --force bench`);
  }

  /** `run --detach` of one container. */
  start(): Contender {
    const measure = async (): Promise<number> => {
      const took = await elapsedMs(() => this.#run());
      await this.#delete();
      return took;
    };
    return { name: `${this.#name} run (one container)`, measure };
  }

  /** Starts a container and gives the measuring of `exec` in it, and its end. */
  async exec(): Promise<{ contender: Contender; end: () => Promise<void> }> {
    await this.#run();
    const measure = (): Promise<number> =>
      elapsedMs(() => this.#shell.run(`${this.#command} exec bench /bin/busybox true`));
    return { contender: { name: `${this.#name} exec`, measure }, end: () => this.#delete() };
  }
}
