/** The pod as Kubernetes shows it, from its state. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { ContainerStatus, Pod } from "../../../schema/kubernetes/mod.ts";
import { containerTroubled, podObject, troubled } from "../../../runner/plan/mod.ts";
import { ended, type PodGiven, podOf, running, starting, type StateGiven, stateOf, T0 } from "./_pod.ts";

const shown = (pod: PodGiven, state: StateGiven, atMs = 0): Pod =>
  podObject(podOf(pod), stateOf(state), { nowMs: T0 + atMs, nodeName: "node" });

/** Such as `Waiting CrashLoopBackOff, last Error 1, 2 restarts`. */
function containerText({ state, lastState, restartCount }: ContainerStatus): string {
  const parts: string[] = [];
  if (state?.waiting) parts.push(`Waiting ${state.waiting.reason}`);
  if (state?.running) parts.push("Running");
  if (state?.terminated) parts.push(`Terminated ${state.terminated.reason} ${state.terminated.exitCode}`);
  if (lastState?.terminated) {
    parts.push(`last ${lastState.terminated.reason} ${lastState.terminated.exitCode}`);
  }
  if (restartCount > 0) parts.push(`${restartCount} restarts`);
  return parts.join(", ");
}

function podText({ status }: Pod): string[] {
  const all = [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
  return [status?.phase ?? "", ...all.map((each) => `${each.name}: ${containerText(each)}`)];
}

const crashed = ended(1, T0, { quickEnds: 3, attempt: 2, restartCount: 2 });
const rows: { it: string; pod?: PodGiven; state: StateGiven; at?: number; text: string[] }[] = [
  {
    it: "shows a pod without a sandbox as waiting to be created",
    state: { sandbox: "absent" },
    text: ["Pending", "a: Waiting ContainerCreating"],
  },
  {
    it: "shows containers behind init containers as initializing",
    pod: { init: ["i"] },
    state: { containers: { i: running(T0) } },
    text: ["Pending", "i: Running", "a: Waiting PodInitializing"],
  },
  { it: "shows a running pod", state: { containers: { a: running(T0) } }, text: ["Running", "a: Running"] },
  {
    it: "shows CrashLoopBackOff while a container waits for its next attempt",
    state: { containers: { a: crashed } },
    at: 19_999,
    text: ["Running", "a: Waiting CrashLoopBackOff, last Error 1, 2 restarts"],
  },
  {
    it: "shows the end itself once the back-off is over",
    state: { containers: { a: crashed } },
    at: 20_000,
    text: ["Running", "a: Terminated Error 1, 2 restarts"],
  },
  {
    it: "shows no CrashLoopBackOff for a container that is not restarted",
    pod: { restartPolicy: "Never" },
    state: { containers: { a: crashed } },
    text: ["Failed", "a: Terminated Error 1, 2 restarts"],
  },
  {
    it: "shows no CrashLoopBackOff for a sidecar of a pod that has finished",
    pod: { init: ["*s"], restartPolicy: "OnFailure" },
    state: { containers: { s: crashed, a: ended(0, T0) } },
    text: ["Succeeded", "s: Terminated Error 1, 2 restarts", "a: Terminated Completed 0"],
  },
  {
    it: "shows no CrashLoopBackOff in a pod that is to be removed",
    state: { deletion: { requestedMs: T0, graceSeconds: 30 }, containers: { a: crashed } },
    text: ["Failed", "a: Terminated Error 1, 2 restarts"],
  },
  {
    it: "shows a pod of which all has ended well as Succeeded",
    pod: { restartPolicy: "OnFailure", main: ["a", "b"] },
    state: { sandbox: "ended", containers: { a: ended(0, T0), b: ended(0, T0) } },
    text: ["Succeeded", "a: Terminated Completed 0", "b: Terminated Completed 0"],
  },
  {
    it: "shows a pod whose init container has failed for good as Failed",
    pod: { restartPolicy: "Never", init: ["i"] },
    state: { containers: { i: ended(2, T0) } },
    text: ["Failed", "i: Terminated Error 2", "a: Waiting PodInitializing"],
  },
  {
    it: "shows an evicted pod as Failed",
    state: { failure: { reason: "Evicted", message: "too much" }, containers: { a: running(T0) } },
    text: ["Failed", "a: Running"],
  },
  {
    it: "shows a container that was asked for as being created",
    state: { containers: { a: starting() } },
    text: ["Pending", "a: Waiting ContainerCreating"],
  },
];

for (const { it, pod = {}, state, at = 0, text } of rows) {
  Deno.test(`podObject() ${it}`, () => deepStrictEqual(podText(shown(pod, state, at)), text));
}

Deno.test("podObject() says how long a back-off is in kubelet's words", () => {
  const waits = (quickEnds: number): string | undefined =>
    shown({}, { containers: { a: ended(1, T0, { quickEnds }) } }).status?.containerStatuses?.[0]?.state
      ?.waiting
      ?.message;
  strictEqual(waits(2), "back-off 10s restarting failed container=a pod=web_default(uid-1)");
  strictEqual(waits(5), "back-off 1m20s restarting failed container=a pod=web_default(uid-1)");
  strictEqual(waits(9), "back-off 5m0s restarting failed container=a pod=web_default(uid-1)");
});

Deno.test("podObject() shows the trouble of one container at that container alone", () => {
  const pod = { main: ["a", "b"] };
  const state = containerTroubled(
    stateOf({ containers: { b: running(T0) } }),
    "a",
    "CreateContainerConfigError",
    "no such key",
    T0,
  );
  const { status } = podObject(podOf(pod), state, { nowMs: T0, nodeName: "node" });
  deepStrictEqual(status?.containerStatuses?.map(containerText), [
    "Waiting CreateContainerConfigError",
    "Running",
  ]);
  strictEqual(status?.containerStatuses?.[0]?.state?.waiting?.message, "no such key");
});

Deno.test("podObject() shows a sandbox that cannot be made at every container that waits for it", () => {
  const state = troubled(stateOf({ sandbox: "absent" }), "FailedCreatePodSandBox", "no room", T0);
  const { status } = podObject(podOf({ main: ["a", "b"] }), state, { nowMs: T0, nodeName: "node" });
  deepStrictEqual(status?.containerStatuses?.map(containerText), [
    "Waiting FailedCreatePodSandBox",
    "Waiting FailedCreatePodSandBox",
  ]);
});

Deno.test("podObject() keeps the times of conditions that stay, from the status before", () => {
  const first = shown({}, { containers: { a: running(T0) } });
  const second = shown({}, { containers: { a: running(T0) }, status: first.status! }, 60_000);
  deepStrictEqual(second.status?.conditions, first.status?.conditions);
});
