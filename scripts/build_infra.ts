/**
 * Builds `runner/infra/bin/infra-{x86_64,aarch64}` from `runner/infra/infra.c`; `--check` compares with what is committed.
 * The same compilers give the same bytes anywhere: no build id, no path and no time goes into the executables.
 */
import $ from "dax";
import { type Arch, SeedpodError } from "../runner/base/mod.ts";
import { infraBinaryUrl } from "../runner/infra/mod.ts";

/** The largest that an executable of infra may be, in bytes: it is part of what every pod costs. */
export const MAX_INFRA_BYTES = 16_384;
/** The Debian packages with the compilers. */
export const INFRA_COMPILER_PACKAGES = ["gcc", "gcc-aarch64-linux-gnu"] as const;
/** What infra is built for. */
export const INFRA_ARCHES = ["x86_64", "aarch64"] as const satisfies readonly Arch[];

const SOURCE = new URL("../runner/infra/infra.c", import.meta.url);

/** The compiler of each architecture and the versions that made the committed bytes. */
const COMPILERS = {
  x86_64: {
    command: "x86_64-linux-gnu-gcc",
    version: "x86_64-linux-gnu-gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
    flags: [],
  },
  aarch64: {
    command: "aarch64-linux-gnu-gcc",
    version: "aarch64-linux-gnu-gcc (Debian 12.2.0-14) 12.2.0",
    flags: ["-mno-outline-atomics"],
  },
} as const satisfies Record<Arch, { command: string; version: string; flags: readonly string[] }>;

const FLAGS = [
  "-std=gnu11",
  "-Os",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-static",
  "-nostdlib",
  "-ffreestanding",
  "-fno-stack-protector",
  "-fno-unwind-tables",
  "-fno-asynchronous-unwind-tables",
  "-fno-ident",
  // else gcc turns the loop inside memcpy into a call of memcpy
  "-fno-tree-loop-distribute-patterns",
  // a program's words and a log's text are read as numbers of several sizes
  "-fno-strict-aliasing",
  "-fno-pic",
  "-no-pie",
  "-Wl,--build-id=none",
  "-Wl,-z,noseparate-code",
  "-Wl,-z,norelro",
  "-Wl,-z,noexecstack",
  "-s",
];

/** Compiles infra; gives the executable's bytes. Throws when the compiler fails or the result is too large. */
export async function buildInfra(arch: Arch): Promise<Uint8Array> {
  const { command, flags } = COMPILERS[arch];
  const directory = await Deno.makeTempDir({ prefix: "seedpod-build-" });
  try {
    const output = `${directory}/infra`;
    await $`${command} ${FLAGS} ${flags} -o ${output} ${SOURCE.pathname}`;
    const bytes = await Deno.readFile(output);
    if (bytes.length > MAX_INFRA_BYTES) {
      throw new SeedpodError(
        `Cannot accept infra for ${arch}: it has ${bytes.length} bytes, at most ${MAX_INFRA_BYTES} are allowed`,
      );
    }
    return bytes;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What is wrong with the committed executable of an architecture; undefined when building it gives the same bytes. */
export async function checkInfra(arch: Arch): Promise<string | undefined> {
  const [built, committed] = await Promise.all([buildInfra(arch), Deno.readFile(infraBinaryUrl(arch))]);
  if (built.length === committed.length && built.every((byte, index) => byte === committed[index])) {
    return undefined;
  }
  const { command, version } = COMPILERS[arch];
  const [here = ""] = await $`${command} --version`.lines();
  const why = here === version
    ? "the source has changed"
    : `built with "${here}", committed from "${version}"`;
  return `infra-${arch} differs from what infra.c gives (${built.length} bytes, committed ${committed.length}): ${why}`;
}

if (import.meta.main) {
  for (const arch of INFRA_ARCHES) {
    if (Deno.args.includes("--check")) {
      const problem = await checkInfra(arch);
      if (problem) $.logError(problem);
      if (problem) Deno.exitCode = 1;
    } else {
      const bytes = await buildInfra(arch);
      await Deno.writeFile(infraBinaryUrl(arch), bytes, { mode: 0o755 });
      $.logStep("Built", `infra-${arch}, ${bytes.length} bytes`);
    }
  }
}
