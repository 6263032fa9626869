import { MAX_SECCOMP_PROFILE_BYTES, SeedpodError } from "../../base/mod.ts";
import { ensureCgroups, ownBoundingSet, readHostFacts } from "../../linux/mod.ts";
import type { HostFacts } from "../../plan/mod.ts";
import { ensureRoot, listPodUids, type Root } from "../../state/mod.ts";

/** The machine as the engine needs it: read once a process. */
export class Machine {
  readonly root: Root;
  readonly boundingSet: bigint = ownBoundingSet();
  /** The machine's first address that is not the loopback's. */
  readonly hostIP: string | undefined = hostAddress();
  #facts: HostFacts;

  /** Reads the machine; where the root has pods, its cgroup is made ready. */
  constructor(root: Root) {
    this.root = root;
    this.#facts = readHostFacts(root.cgroupParent);
    if (listPodUids(root).length > 0) this.ensureCgroups();
  }

  /** What decides over a pod's start. */
  get facts(): HostFacts {
    return this.#facts;
  }

  /** Makes the cgroup that holds the pods ready, which goes away with the last of them. */
  ensureCgroups(): void {
    this.#facts = ensureCgroups(this.#facts);
  }
}

/**
 * Reads the machine and makes the root's directories.
 *
 * @throws {SeedpodError} when the process may not do what seedpod does.
 */
export function openMachine(root: Root): Machine {
  if (Deno.uid() !== 0) {
    throw new SeedpodError("Cannot run pods: this process is not root", {
      fault: "user",
      hint: "Run the same command with sudo",
    });
  }
  // as kubelet does: every file and directory is made with the mode that is asked for
  Deno.umask(0);
  ensureRoot(root);
  return new Machine(root);
}

function hostAddress(): string | undefined {
  const addresses = Deno.networkInterfaces().filter((each) =>
    each.name !== "lo" && !each.address.startsWith("fe80:")
  );
  return (addresses.find((each) => each.family === "IPv4") ?? addresses[0])?.address;
}

/** The text of a Localhost seccomp profile, a path below the root's `seccomp` directory; undefined when there is none. */
export function readSeccompProfile(root: Root, name: string): string | undefined {
  const path = `${root.lib}/seccomp/${name}`;
  try {
    const info = Deno.statSync(path);
    if (!info.isFile || info.size > MAX_SECCOMP_PROFILE_BYTES) {
      throw new SeedpodError(`Cannot read the seccomp profile "${path}": it is no file of at most 1 MiB`, {
        fault: "user",
      });
    }
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
