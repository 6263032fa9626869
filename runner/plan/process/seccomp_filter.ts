import { MAX_CACHED_SECCOMP_FILTERS } from "../../base/mod.ts";
import {
  capabilitiesIn,
  compileSeccomp,
  parseSeccompJson,
  seccompFlags,
  type SeccompProfile,
} from "../hardening/mod.ts";
import type { Problems } from "./problems.ts";
import type { ProcessInput } from "./process_input.ts";

/** A compiled filter, and the flags to install it with. */
export interface SeccompFilterProgram {
  /** struct sock_filter[], undefined for none. */
  readonly seccomp: Uint8Array | undefined;
  readonly seccompFlags: number;
}

const UNCONFINED: SeccompFilterProgram = { seccomp: undefined, seccompFlags: 0 };

/** A pure function's answers, remembered: compiling takes half a millisecond, and most containers want the same. */
const remembered = new Map<string, SeccompFilterProgram>();

/**
 * The filter of a container: its own seccompProfile, else the pod's, else RuntimeDefault. Privileged containers have none,
 * whatever they ask for.
 * https://kubernetes.io/docs/tutorials/security/seccomp/
 *
 * @param bounding The container's bounding set of capabilities, bit n for capability n.
 */
export function resolveSeccomp(
  input: ProcessInput,
  bounding: bigint,
  problems: Problems,
): SeccompFilterProgram {
  const own = input.container.securityContext;
  if (own?.privileged) return UNCONFINED;
  const pods = input.context.pod.spec.securityContext?.seccompProfile;
  const { type, localhostProfile = "" } = own?.seccompProfile ?? pods ?? { type: "RuntimeDefault" };
  const field = `${!own?.seccompProfile && pods ? "spec." : ""}securityContext.seccompProfile`;
  try {
    switch (type) {
      case "Unconfined":
        return UNCONFINED;
      case "RuntimeDefault":
        return compiled(input, type, () => ({ type }), bounding);
      case "Localhost": {
        const text = localhostProfile === "" ? undefined : input.localhostProfile(localhostProfile);
        if (text !== undefined) {
          return compiled(input, `${type} ${text}`, () => parseSeccompJson(text), bounding);
        }
        problems.add(field, `there is no seccomp profile "${localhostProfile}" on this machine`);
        return UNCONFINED;
      }
    }
    problems.add(field, `"${type}" is no type of seccomp profile`);
  } catch (error) {
    problems.addError(field, error);
  }
  return UNCONFINED;
}

/** @param name Tells profiles apart: the type, and the text of a Localhost one. */
function compiled(
  input: ProcessInput,
  name: string,
  parse: () => SeccompProfile,
  bounding: bigint,
): SeccompFilterProgram {
  const { arch, kernel } = input.context.facts;
  const key = [arch, kernel.join("."), bounding, name].join(" ");
  const known = remembered.get(key);
  if (known) return known;
  const profile = parse();
  const seccomp = compileSeccomp(profile, arch, capabilitiesIn(bounding), kernel);
  const filter = { seccomp, seccompFlags: seccompFlags(profile) };
  const oldest = remembered.size < MAX_CACHED_SECCOMP_FILTERS ? undefined : remembered.keys().next().value;
  if (oldest !== undefined) remembered.delete(oldest);
  remembered.set(key, filter);
  return filter;
}
