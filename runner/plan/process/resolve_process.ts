import type { VolumeMount } from "../../../schema/kubernetes/mod.ts";
import { MAX_ARGUMENT_BYTES, SeedpodError } from "../../base/mod.ts";
import { type CapabilitySets, capabilitySets } from "../hardening/mod.ts";
import type { ProcessSettings } from "../start/mod.ts";
import { type Environment, manifestEnvironment, processEnvironment } from "./env.ts";
import { expandVariables } from "./expansion.ts";
import { resolveIdentity } from "./identity.ts";
import { Problems } from "./problems.ts";
import type { ProcessInput } from "./process_input.ts";
import { resolveSeccomp } from "./seccomp_filter.ts";
import { resolveVolumeMounts } from "./volume_mounts.ts";

/** What a container's manifest, its image and the pod's configuration come to. */
export interface ResolvedProcess {
  readonly process: ProcessSettings;
  /** Absolute. */
  readonly workingDirectory: string;
  /** The container's volume mounts, each subPathExpr made a subPath. */
  readonly volumeMounts: readonly VolumeMount[];
}

/**
 * Resolves a container's process from its manifest, its image and what both refer to.
 *
 * @throws {SeedpodError} fault "user", with everything that is wrong.
 */
export function resolveProcess(input: ProcessInput): ResolvedProcess {
  const { container, from } = input;
  const problems = new Problems(container.name);
  const manifest = manifestEnvironment(input, problems);
  const argv = resolveCommand(input, manifest, problems);
  const identity = resolveIdentity(input, problems);
  const capabilities = resolveCapabilities(input, problems);
  const filter = resolveSeccomp(input, capabilities.bounding, problems);
  const workingDirectory = resolveWorkingDirectory(input, problems);
  const volumeMounts = resolveVolumeMounts(container, manifest, problems);
  const env = processEnvironment(input, manifest, identity.home);
  for (const [name, value] of env) problems.addTextFault(`env "${name}"`, `${name}=${value}`);
  problems.throwAny();
  const { privileged, allowPrivilegeEscalation } = container.securityContext ?? {};
  const noNewPrivileges = !privileged && allowPrivilegeEscalation === false;
  const process = { argv, env, identity, capabilities, noNewPrivileges, ...filter, from };
  return { process, workingDirectory, volumeMounts };
}

/**
 * The command line: `command` replaces the image's entrypoint and its cmd, `args` its cmd alone.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
 */
function resolveCommand(input: ProcessInput, env: Environment, problems: Problems): string[] {
  const { container, imageConfig } = input;
  const expand = (field: string, texts: readonly string[] = []): string[] =>
    texts.map((text, index) => {
      const expanded = expandVariables(text, (name) => env.get(name), MAX_ARGUMENT_BYTES);
      problems.addTextFault(`${field}[${index}]`, expanded);
      return expanded ?? "";
    });
  const command = expand("command", container.command);
  const args = expand("args", container.args);
  const entrypoint = command.length > 0 ? [] : imageConfig.entrypoint;
  const cmd = command.length > 0 || args.length > 0 ? [] : imageConfig.cmd;
  for (const text of [...entrypoint, ...cmd]) problems.addTextFault("image command", text);
  const argv = [...entrypoint, ...command, ...cmd, ...args];
  if (argv.length === 0) problems.add("command", "neither the manifest nor the image names one");
  else if (argv[0] === "") problems.add("command", "it is empty");
  return argv;
}

const NO_CAPABILITIES: CapabilitySets = { bounding: 0n, effective: 0n, permitted: 0n };

/** In a user namespace of its own a pod has every capability over it, whatever the daemon has over the machine. */
function resolveCapabilities(input: ProcessInput, problems: Problems): CapabilitySets {
  const { facts, userNamespace } = input.context;
  const available = userNamespace ? undefined : input.boundingSet;
  const sets = capabilitySets(input.container.securityContext ?? {}, facts.lastCapability, available);
  if (!(sets instanceof SeedpodError)) return sets;
  problems.addError("securityContext.capabilities", sets);
  return NO_CAPABILITIES;
}

function resolveWorkingDirectory(input: ProcessInput, problems: Problems): string {
  const directory = input.container.workingDir || input.imageConfig.workingDir || "/";
  if (problems.addTextFault("workingDir", directory)) return "/";
  if (!directory.startsWith("/")) problems.add("workingDir", `"${directory}" is not absolute`);
  return directory;
}
