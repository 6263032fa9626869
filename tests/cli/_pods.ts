import type { ContainerState, ContainerStatus, Pod, PodStatus } from "../../schema/kubernetes/mod.ts";

/** The moment at which the tests look: everything below is told from it. */
export const NOW_MS = Date.parse("2026-03-01T12:00:00Z");

/** A Kubernetes time so many seconds ago. */
export const ago = (seconds: number): string =>
  new Date(NOW_MS - seconds * 1000).toISOString().replace(".000Z", "Z");

/** Common states. */
export const running: ContainerState = { running: { startedAt: ago(60) } };
export const waiting = (reason: string): ContainerState => ({ waiting: { reason } });
export const ended = (exitCode: number, reason: string, seconds = 60): ContainerState => ({
  terminated: { exitCode, reason, startedAt: ago(seconds + 60), finishedAt: ago(seconds) },
});

/** The status of a container. */
export function status(
  name: string,
  state: ContainerState,
  more: Partial<ContainerStatus> = {},
): ContainerStatus {
  const isReady = state.running !== undefined;
  return {
    name,
    image: "host",
    imageID: "",
    ready: isReady,
    started: isReady,
    restartCount: 0,
    lastState: {},
    state,
    ...more,
  };
}

/** A pod whose containers are those of its statuses. */
export function podOf(name: string, phase: PodStatus["phase"], statuses: ContainerStatus[], more: {
  status?: Partial<PodStatus>;
  init?: { status: ContainerStatus; sidecar?: boolean }[];
  deleted?: boolean;
  namespace?: string;
} = {}): Pod {
  const { init = [], namespace = "default" } = more;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      creationTimestamp: ago(125),
      ...(more.deleted && { deletionTimestamp: ago(-30), deletionGracePeriodSeconds: 30 }),
    },
    spec: {
      containers: statuses.map(({ name }) => ({ name, image: "host" })),
      ...(init.length > 0 && {
        initContainers: init.map(({ status, sidecar }) => ({
          name: status.name,
          image: "host",
          ...(sidecar && { restartPolicy: "Always" }),
        })),
      }),
    },
    status: {
      phase: phase!,
      containerStatuses: statuses,
      ...(init.length > 0 && { initContainerStatuses: init.map(({ status }) => status) }),
      ...more.status,
    },
  };
}
