import { copyFileSync, symlinkSync } from "node:fs";

/** Where Debian's busybox-static lies; the link from /bin is followed where there is one. */
const BUSYBOX = "/bin/busybox";

/** What a rootfs of {@linkcode busyboxRootfs} has besides its commands. */
export interface RootfsOptions {
  /** Text files by their paths below the root. */
  readonly files?: Readonly<Record<string, string>>;
  /** Symbolic links by their paths below the root. */
  readonly links?: Readonly<Record<string, string>>;
}

/** Makes a directory that is a whole rootfs: busybox in /bin with a link for each of its commands, and nothing else. */
export function busyboxRootfs(path: string, options: RootfsOptions = {}): string {
  Deno.mkdirSync(`${path}/bin`, { recursive: true });
  copyFileSync(BUSYBOX, `${path}/bin/busybox`);
  const { stdout } = new Deno.Command(BUSYBOX, { args: ["--list"] }).outputSync();
  const commands = new TextDecoder().decode(stdout).split("\n").filter((name) =>
    name !== "" && name !== "busybox"
  );
  for (const name of commands) symlinkSync("/bin/busybox", `${path}/bin/${name}`);
  for (const [name, content] of Object.entries(options.files ?? {})) {
    Deno.mkdirSync(parentOf(`${path}/${name}`), { recursive: true });
    Deno.writeTextFileSync(`${path}/${name}`, content);
  }
  for (const [name, target] of Object.entries(options.links ?? {})) {
    Deno.mkdirSync(parentOf(`${path}/${name}`), { recursive: true });
    symlinkSync(target, `${path}/${name}`);
  }
  return path;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Everything below a directory as one line each: type, mode, owner, size, time of change, and where links lead. */
export function treeListing(path: string): string {
  const args = [path, "-printf", "%P %y %m %U:%G %s %T@ %C@ %l\n"];
  const { stdout } = new Deno.Command("find", { args }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").sort().join("\n");
}
