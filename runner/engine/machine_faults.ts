import type { Diagnostic } from "../../schema/mod.ts";
import { missingCgroupFiles, removeEmptyCgroup } from "../linux/mod.ts";
import {
  type CgroupProblem,
  cgroupProblems,
  type CompletePod,
  containerCgroupSettings,
  type HostFacts,
  podCgroupSettings,
  podContainers,
} from "../plan/mod.ts";
import { acceptLockPath, listPodUids, withLock } from "../state/mod.ts";
import type { Machine } from "./machine.ts";
import type { DeclaredPod } from "./manifests.ts";

/** What a pod asks of cgroups that this machine cannot do; the cgroup of the root must be there. */
export function cgroupFaults(facts: HostFacts, pod: CompletePod): CgroupProblem[] {
  const settings = [
    ...podCgroupSettings(pod, facts.cgroups),
    ...podContainers(pod).flatMap((each) => containerCgroupSettings(pod, each.container, facts.cgroups)),
  ];
  const missing = missingCgroupFiles(facts.cgroups, facts.cgroupParent, settings);
  return [
    ...cgroupProblems(pod, facts.cgroups),
    ...missing.map(({ file, from }) => ({
      path: from ?? [],
      message: `this kernel has no cgroup file "${file}"`,
    })),
  ];
}

/** What declared pods ask of this machine that it cannot do, each with its place in the manifest. Leaves nothing behind. */
export function machineFaults(machine: Machine, pods: readonly DeclaredPod[]): Diagnostic[] {
  const { root } = machine;
  return withLock(acceptLockPath(root), () => {
    machine.ensureCgroups();
    const { facts } = machine;
    const faults = pods.flatMap((declared) =>
      cgroupFaults(facts, declared.pod).map(({ path, message }) => declared.diagnose(path, message))
    );
    if (listPodUids(root).length === 0) removeEmptyCgroup(facts.cgroups, facts.cgroupParent);
    return faults;
  });
}
