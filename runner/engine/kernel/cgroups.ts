/** What pods ask of the machine's cgroups, and what the cgroup above them all is told of it. */
import type { Diagnostic } from "../../../schema/mod.ts";
import { missingCgroupFiles, removeEmptyCgroup, writeCgroupSettings } from "../../linux/mod.ts";
import {
  type CgroupProblem,
  cgroupProblems,
  type CompletePod,
  containerCgroupSettings,
  type HostFacts,
  parentCgroupSettings,
  podCgroupSettings,
  podContainers,
  podResources,
} from "../../plan/mod.ts";
import { acceptLockPath, listPodUids, type PodRecord, readRecords, withLock } from "../../state/mod.ts";
import type { Machine } from "./machine.ts";
import type { DeclaredPod } from "../manifests.ts";

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

/**
 * Writes into the cgroup above all pods what these are promised together: v2 protects no cgroup's memory further than its
 * parent's is protected, so without it a pod's request would count for nothing. Under the lock under which pods come and
 * go. Throws a `SeedpodError` when the kernel refuses.
 */
export function writeParentCgroup({ facts }: Machine, pods: readonly CompletePod[]): void {
  writeCgroupSettings(facts.cgroups, facts.cgroupParent, parentCgroupSettings(pods, facts.cgroups));
}

/** The same when a pod that is still recorded is about to go; most pods were promised nothing that is to be taken back. */
export function takeBackPromises(machine: Machine, uid: string, pod: CompletePod): void {
  const { root, facts } = machine;
  const isPromised = facts.cgroups.controllers.memory?.version === 2 &&
    (podResources(pod.spec).requests.get("memory") ?? 0) > 0;
  if (!isPromised) return;
  const rest = readRecords(root).filter(({ desired }: PodRecord) => desired.uid !== uid);
  // the last one takes the cgroup along
  if (rest.length > 0) writeParentCgroup(machine, rest.map(({ desired }) => desired.pod));
}
