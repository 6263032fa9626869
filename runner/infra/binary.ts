import { openMemfd, type OwnedFd, sealMemfd } from "../sys/mod.ts";
import { HOST_ARCH } from "../sys/mod.ts";

let executable: OwnedFd | undefined;

/** The committed executable of infra for this machine. */
export function infraBinaryUrl(arch: string = HOST_ARCH): URL {
  return new URL(`./bin/infra-${arch}`, import.meta.url);
}

/** The executable in a sealed memfd: read once a process, and nothing can write to it. */
export function infraExecutable(): OwnedFd {
  if (executable) return executable;
  executable = openMemfd("infra", Deno.readFileSync(infraBinaryUrl()), { exec: true });
  sealMemfd(executable);
  return executable;
}
