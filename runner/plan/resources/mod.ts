/** Resources: what pods ask for and may use, their QoS class, and how both are told to cgroups. Pure. */
export { CGROUP_ANNOTATION_PREFIX, type CgroupProblem } from "./cgroup_annotations.ts";
export {
  type CgroupController,
  type CgroupHierarchy,
  type CgroupHost,
  type CgroupJoin,
  cgroupJoins,
  type CgroupPlacement,
  cgroupPlacement,
  type CgroupSetting,
} from "./cgroup_host.ts";
export {
  cgroupProblems,
  containerCgroupSettings,
  parentCgroupSettings,
  podCgroupSettings,
} from "./cgroup_settings.ts";
export {
  type CgroupCounters,
  COUNTER_FILES,
  type DeathFacts,
  parseCounters,
  wasOomKilled,
} from "./cgroup_stats.ts";
export {
  type Amounts,
  type ContainerNeeds,
  containerResources,
  type EffectiveResources,
  isSidecar,
  type PodNeeds,
  podResources,
  type PodSpecNeeds,
  type ResourceNeeds,
} from "./pod_resources.ts";
export { oomScoreAdj, type QosClass, qosClass } from "./qos.ts";
