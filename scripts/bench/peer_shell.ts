/**
 * A shell in a mount namespace of its own, in which the peers run: crun refuses a machine whose cgroups are hybrid with
 * controllers on both sides, so there v2 is out of its sight. It stays, so that a measurement costs one fork and no more.
 */
export class PeerShell implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #heard = "";

  /** `environment` is what the peers see besides this process's. */
  constructor(environment: Record<string, string>) {
    const script = "umount /sys/fs/cgroup/unified 2>/dev/null\n" +
      'while read -r line; do eval "$line" </dev/null; echo "status $?"; done';
    this.#child = new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", script],
      env: environment,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Runs a line and gives what it printed; it must succeed. */
  async run(line: string): Promise<string> {
    await this.#input.write(new TextEncoder().encode(`{ ${line}; } 2>&1\n`));
    for (;;) {
      const found = /(^|\n)status (\d+)\n$/.exec(this.#heard);
      if (found) {
        const printed = this.#heard.slice(0, found.index);
        this.#heard = "";
        if (found[2] !== "0") throw new Error(`${line}: ${printed.trim().split("\n").at(-1)}`);
        return printed;
      }
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`${line}: the shell has ended`);
      this.#heard += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#child.status;
  }
}

/** Whether a program is in PATH. */
export async function isInstalled(program: string): Promise<boolean> {
  const { code } = await new Deno.Command("which", { args: [program], stdout: "null", stderr: "null" })
    .output();
  return code === 0;
}
