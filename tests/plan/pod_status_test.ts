import assert from "node:assert/strict";
import {
  type ObservedContainer,
  type ObservedContainerState,
  observedPod,
  type ObservedStatus,
  podStatus,
} from "../../runner/plan/mod.ts";
import type { Container, PodSpec } from "../../schema/kubernetes/mod.ts";

const START_MS = Date.parse("2026-03-01T12:00:00.789Z");
const SECOND_MS = 1000;

const RUNNING: ObservedContainerState = { at: "running", startedMs: START_MS, containerID: "id-0" };
const ended = (exitCode: number): ObservedContainerState & { at: "terminated" } => ({
  at: "terminated",
  exitCode,
  reason: exitCode === 0 ? "Completed" : "Error",
  startedMs: START_MS,
  finishedMs: START_MS + SECOND_MS,
  containerID: "id-0",
});
const WAITING: ObservedContainerState = { at: "waiting", reason: "ContainerCreating" };

function seen(
  name: string,
  state: ObservedContainerState,
  more: Partial<ObservedContainer> = {},
): ObservedContainer {
  const isUp = state.at === "running";
  return { name, state, restartCount: 0, started: isUp, ready: isUp, ...more };
}

const container = (name: string, more: Partial<Container> = {}): Container => ({
  name,
  image: "host",
  ...more,
});

function observed(
  spec: Partial<PodSpec>,
  containers: readonly ObservedContainer[],
  more: Partial<ObservedStatus> = {},
): ObservedStatus {
  return {
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "default" },
      spec: { containers: [container("a")], ...spec },
    },
    uid: "6f1d",
    createdMs: START_MS,
    startedMs: START_MS,
    nowMs: START_MS,
    sandboxReady: true,
    qosClass: "BestEffort",
    containers,
    ...more,
  };
}

type Policy = NonNullable<PodSpec["restartPolicy"]>;

const phaseOf = (restartPolicy: Policy, ...states: ObservedContainerState[]): string | undefined => {
  const names = states.map((_, index) => `c${index}`);
  const spec = { restartPolicy, containers: names.map((name) => container(name)) };
  return podStatus(observed(spec, states.map((state, index) => seen(names[index]!, state)))).phase;
};

Deno.test("podStatus() tells the phase by kubelet's rules", () => {
  assert.equal(phaseOf("Always", WAITING), "Pending");
  assert.equal(phaseOf("Always", RUNNING, WAITING), "Pending");
  assert.equal(phaseOf("Always", RUNNING, RUNNING), "Running");
  assert.equal(phaseOf("Never", RUNNING, ended(1)), "Running");
  assert.equal(phaseOf("Never", ended(0), ended(0)), "Succeeded");
  assert.equal(phaseOf("Never", ended(0), ended(1)), "Failed");
  assert.equal(phaseOf("OnFailure", ended(0), ended(0)), "Succeeded");
  assert.equal(phaseOf("OnFailure", ended(0), ended(1)), "Running");
  assert.equal(phaseOf("Always", ended(0)), "Running");
  assert.equal(phaseOf("Always", ended(1)), "Running");
});

Deno.test("podStatus() keeps a pod Running while a container waits to be restarted", () => {
  const waiting = seen("a", { at: "waiting", reason: "CrashLoopBackOff" }, {
    lastState: ended(1),
    restartCount: 2,
  });
  const status = podStatus(observed({}, [waiting]));
  assert.equal(status.phase, "Running");
  assert.equal(status.containerStatuses?.[0]?.containerID, "seedpod://id-0");
  assert.equal(status.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 1);
});

Deno.test("podStatus() ends a pod that is not started again, whatever its restart policy", () => {
  assert.equal(podStatus(observed({}, [seen("a", ended(0))], { terminal: true })).phase, "Succeeded");
  assert.equal(podStatus(observed({}, [seen("a", ended(1))], { terminal: true })).phase, "Failed");
});

Deno.test("podStatus() tells the phase of a pod by its init containers", () => {
  const init = (restartPolicy: Policy, state: ObservedContainerState) =>
    podStatus(observed({ restartPolicy, initContainers: [container("i")] }, [seen("i", state)])).phase;
  assert.equal(init("Always", RUNNING), "Pending");
  assert.equal(init("Always", ended(1)), "Pending");
  assert.equal(init("OnFailure", ended(1)), "Pending");
  assert.equal(init("Never", ended(1)), "Failed");
  assert.equal(init("Never", ended(0)), "Pending");
});

Deno.test("podStatus() counts a sidecar as running, and not its end", () => {
  const spec: Partial<PodSpec> = {
    restartPolicy: "Never",
    initContainers: [container("proxy", { restartPolicy: "Always" })],
  };
  const phase = (proxy: ObservedContainer, main: ObservedContainer, more: Partial<ObservedStatus> = {}) =>
    podStatus(observed(spec, [proxy, main], more)).phase;
  assert.equal(phase(seen("proxy", RUNNING), seen("a", RUNNING)), "Running");
  assert.equal(phase(seen("proxy", RUNNING, { started: false }), seen("a", WAITING)), "Pending");
  assert.equal(phase(seen("proxy", ended(137)), seen("a", ended(0))), "Succeeded");
  const previous = { conditions: [{ type: "Initialized", status: "True" }] };
  assert.equal(
    phase(seen("proxy", RUNNING, { started: false }), seen("a", RUNNING), { previous }),
    "Running",
  );
});

Deno.test("podStatus() writes container statuses to the letter of Kubernetes", () => {
  const status = podStatus(observed({ containers: [container("b"), container("a")] }, [
    seen("a", { ...ended(137), reason: "OOMKilled", signal: 9, message: "bye" }, {
      restartCount: 1,
      lastState: ended(2),
    }),
    seen("b", RUNNING, { imageID: "sha256:1" }),
  ], { hostIP: "192.0.2.1", podIPs: ["10.0.0.2", "fd00::2"] }));
  const first = {
    exitCode: 2,
    finishedAt: "2026-03-01T12:00:01Z",
    reason: "Error",
    startedAt: "2026-03-01T12:00:00Z",
  };
  assert.deepEqual(status.containerStatuses, [
    {
      containerID: "seedpod://id-0",
      image: "host",
      imageID: "",
      lastState: { terminated: { ...first, containerID: "seedpod://id-0" } },
      name: "a",
      ready: false,
      restartCount: 1,
      started: false,
      state: {
        terminated: {
          ...first,
          containerID: "seedpod://id-0",
          exitCode: 137,
          reason: "OOMKilled",
          signal: 9,
          message: "bye",
        },
      },
    },
    {
      containerID: "seedpod://id-0",
      image: "host",
      imageID: "sha256:1",
      lastState: {},
      name: "b",
      ready: true,
      restartCount: 0,
      started: true,
      state: { running: { startedAt: "2026-03-01T12:00:00Z" } },
    },
  ]);
  assert.deepEqual([status.hostIPs, status.podIP, status.podIPs], [
    [{ ip: "192.0.2.1" }],
    "10.0.0.2",
    [{ ip: "10.0.0.2" }, { ip: "fd00::2" }],
  ]);
  assert.equal(status.startTime, "2026-03-01T12:00:00Z");
});

Deno.test("podStatus() lets containers of which nothing is known wait", () => {
  const spec = { initContainers: [container("i")] };
  const status = podStatus(observed(spec, []));
  assert.equal(status.initContainerStatuses?.[0]?.state?.waiting?.reason, "ContainerCreating");
  assert.equal(status.containerStatuses?.[0]?.state?.waiting?.reason, "PodInitializing");
  const stuck = podStatus(
    observed({}, [], { waiting: { reason: "CreateSandboxError", message: "no room" } }),
  );
  assert.deepEqual(stuck.containerStatuses?.[0]?.state?.waiting, {
    reason: "CreateSandboxError",
    message: "no room",
  });
});

const conditionsOf = (input: ObservedStatus): Record<string, string> =>
  Object.fromEntries(
    podStatus(input).conditions!.map(({ type, status, reason = "", message = "" }) => [
      type,
      [status, reason, message].filter(Boolean).join(": "),
    ]),
  );

Deno.test("podStatus() gives kubelet's conditions", () => {
  assert.deepEqual(conditionsOf(observed({}, [seen("a", RUNNING)])), {
    PodReadyToStartContainers: "True",
    Initialized: "True",
    Ready: "True",
    ContainersReady: "True",
    PodScheduled: "True",
  });
  const notReady = "False: ContainersNotReady: containers with unready status: [a]";
  assert.deepEqual(
    conditionsOf(observed({ initContainers: [container("i")] }, [], { sandboxReady: false })),
    {
      PodReadyToStartContainers: "False",
      Initialized: "False: ContainersNotInitialized: containers with incomplete status: [i]",
      Ready: notReady,
      ContainersReady: notReady,
      PodScheduled: "True",
    },
  );
  const done = conditionsOf(observed({ restartPolicy: "Never" }, [seen("a", ended(0))]));
  assert.deepEqual([done["Initialized"], done["Ready"]], ["True: PodCompleted", "False: PodCompleted"]);
  const failed = conditionsOf(observed({ restartPolicy: "Never" }, [seen("a", ended(1))]));
  assert.equal(failed["ContainersReady"], "False: PodFailed");
});

Deno.test("podStatus() asks the readiness gates", () => {
  const spec = { readinessGates: [{ conditionType: "example.com/open" }] };
  const gate = (status: string) => ({ conditions: [{ type: "example.com/open", status }] });
  const ready = (more: Partial<ObservedStatus>) =>
    conditionsOf(observed(spec, [seen("a", RUNNING)], more))["Ready"];
  assert.match(ready({})!, /^False: ReadinessGatesNotReady: .*"example.com\/open" does not exist/);
  assert.match(ready({ previous: gate("False") })!, /^False: ReadinessGatesNotReady/);
  assert.equal(ready({ previous: gate("True") }), "True");
});

Deno.test("podStatus() keeps the time of a condition until its status changes", () => {
  const first = podStatus(observed({}, [seen("a", WAITING)]));
  const second = podStatus(
    observed({}, [seen("a", RUNNING)], { previous: first, nowMs: START_MS + 5 * SECOND_MS }),
  );
  const third = podStatus(
    observed({}, [seen("a", RUNNING)], { previous: second, nowMs: START_MS + 9 * SECOND_MS }),
  );
  const time = (status: typeof first, type: string) =>
    status.conditions!.find((c) => c.type === type)!.lastTransitionTime;
  assert.equal(time(second, "PodScheduled"), "2026-03-01T12:00:00Z");
  assert.equal(time(second, "Ready"), "2026-03-01T12:00:05Z");
  assert.equal(time(third, "Ready"), "2026-03-01T12:00:05Z");
});

Deno.test("podStatus() shows an evicted pod as failed, with the reason", () => {
  const failure = { reason: "Evicted", message: "the pod used more than 1Gi" };
  const status = podStatus(observed({}, [seen("a", RUNNING)], { failure }));
  assert.deepEqual([status.phase, status.reason, status.message], [
    "Failed",
    failure.reason,
    failure.message,
  ]);
});

Deno.test("observedPod() adds what is observed to what was declared", () => {
  const pod = observedPod(observed({}, [seen("a", RUNNING)], {
    nodeName: "machine",
    deletion: { deadlineMs: START_MS + 30 * SECOND_MS, graceSeconds: 30 },
  }));
  assert.deepEqual(pod.metadata, {
    name: "web",
    namespace: "default",
    creationTimestamp: "2026-03-01T12:00:00Z",
    deletionGracePeriodSeconds: 30,
    deletionTimestamp: "2026-03-01T12:00:30Z",
    uid: "6f1d",
  });
  assert.deepEqual([pod.apiVersion, pod.kind, pod.spec?.nodeName, pod.status?.phase], [
    "v1",
    "Pod",
    "machine",
    "Running",
  ]);
});
