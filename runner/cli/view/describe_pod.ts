import type { Container, ContainerStatus, Pod } from "../../../schema/kubernetes/mod.ts";
import { containerLines, longTime } from "./describe_container.ts";
import { volumeLines } from "./describe_volume.ts";
import { alignTabs } from "./tab_stops.ts";
import { visible } from "./visible.ts";

/** `Name:` with the first entry beside it and the others below. */
function mapLines(name: string, map: Record<string, string> | undefined, separator: string): string[] {
  const rows = Object.entries(map ?? {}).sort(([a], [b]) => a < b ? -1 : 1);
  if (rows.length === 0) return [`${name}:\t<none>`];
  return rows.map(([key, value], index) => {
    const text = value.replaceAll(/[\t\n]+/g, " ").trim();
    return `${index === 0 ? `${name}:` : ""}\t${key}${separator}${text}`;
  });
}

function statusWord({ metadata, status }: Pod): string {
  if (!metadata?.deletionTimestamp) return `Status:\t${status?.phase ?? "Unknown"}`;
  return `Status:\tTerminating (until ${longTime(metadata.deletionTimestamp)})`;
}

function headLines(pod: Pod): string[] {
  const { metadata, spec, status } = pod;
  const seccomp = spec?.securityContext?.seccompProfile?.type;
  const node = spec?.nodeName ? `${spec.nodeName}${status?.hostIP ? `/${status.hostIP}` : ""}` : "<none>";
  const grace = metadata?.deletionGracePeriodSeconds;
  return [
    `Name:\t${metadata?.name}`,
    `Namespace:\t${metadata?.namespace ?? "default"}`,
    `Priority:\t${spec?.priority ?? 0}`,
    `Node:\t${node}`,
    ...status?.startTime ? [`Start Time:\t${longTime(status.startTime)}`] : [],
    ...mapLines("Labels", metadata?.labels, "="),
    ...mapLines("Annotations", metadata?.annotations, ": "),
    statusWord(pod),
    ...metadata?.deletionTimestamp && grace !== undefined ? [`Termination Grace Period:\t${grace}s`] : [],
    ...status?.reason ? [`Reason:\t${status.reason}`] : [],
    ...status?.message ? [`Message:\t${status.message.replaceAll(/\s+/g, " ")}`] : [],
    ...seccomp ? [`SeccompProfile:\t${seccomp}`] : [],
    `IP:\t${status?.podIP ?? ""}`,
    ...status?.podIPs?.length ? ["IPs:", ...status.podIPs.map(({ ip }) => `  IP:\t${ip}`)] : ["IPs:\t<none>"],
  ];
}

function containerSection(
  title: string,
  containers: readonly Container[] | undefined,
  statuses: readonly ContainerStatus[] | undefined,
): string[] {
  if (!containers?.length) return [];
  const lines = containers.flatMap((container) =>
    containerLines(container, statuses?.find(({ name }) => name === container.name))
  );
  return [`${title}:`, ...lines];
}

function conditionLines({ status }: Pod): string[] {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return [];
  return ["Conditions:", "  Type\tStatus", ...conditions.map(({ type, status }) => `  ${type}\t${status}`)];
}

function footLines({ spec, status }: Pod): string[] {
  const volumes = spec?.volumes ?? [];
  const selectors = Object.entries(spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    ...volumes.length === 0 ? ["Volumes:\t<none>"] : ["Volumes:", ...volumes.flatMap(volumeLines)],
    `QoS Class:\t${status?.qosClass ?? "<unknown>"}`,
    `Node-Selectors:\t${selectors.join(", ") || "<none>"}`,
  ];
}

/** All that is known of a pod, in the style of `kubectl describe pod`. */
export function renderPodDescription(pod: Pod): string {
  const { spec, status } = pod;
  const lines = [
    ...headLines(pod),
    ...containerSection("Init Containers", spec?.initContainers, status?.initContainerStatuses),
    ...containerSection("Containers", spec?.containers, status?.containerStatuses),
    ...conditionLines(pod),
    ...footLines(pod),
  ];
  return visible(alignTabs(lines));
}
