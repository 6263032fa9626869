import assert from "node:assert/strict";
import { humanDuration, podRow, renderPodNames, renderPods } from "../../../runner/cli/view/mod.ts";
import { assertGolden } from "../_golden.ts";
import { ago, ended, NOW_MS, podOf, running, status, waiting } from "../_pods.ts";

const READY = { conditions: [{ type: "Ready", status: "True" }, { type: "Initialized", status: "True" }] };

const PODS = [
  podOf("web", "Running", [status("a", running), status("b", running)], {
    status: { ...READY, podIP: "10.0.0.2", podIPs: [{ ip: "10.0.0.2" }] },
  }),
  podOf("done", "Succeeded", [status("a", ended(0, "Completed"))]),
  podOf("failed", "Failed", [status("a", ended(3, "Error"))]),
  podOf("loop", "Running", [
    status("a", waiting("CrashLoopBackOff"), { restartCount: 3, lastState: ended(1, "Error", 300) }),
  ]),
  podOf("hungry", "Running", [status("a", ended(137, "OOMKilled"), { restartCount: 1 })]),
  podOf("signalled", "Failed", [status("a", { terminated: { exitCode: 143, signal: 15 } })]),
  podOf("coded", "Failed", [status("a", { terminated: { exitCode: 7 } })]),
  podOf("init", "Pending", [status("a", waiting("PodInitializing"))], {
    init: [{ status: status("one", ended(0, "Completed")) }, { status: status("two", running) }],
  }),
  podOf("init-failing", "Pending", [status("a", waiting("PodInitializing"))], {
    init: [{
      status: status("one", waiting("CrashLoopBackOff"), {
        restartCount: 2,
        lastState: ended(1, "Error", 30),
      }),
    }],
  }),
  podOf("init-failed", "Failed", [status("a", waiting("PodInitializing"))], {
    init: [{ status: status("one", ended(1, "Error")) }],
  }),
  podOf("sidecar", "Running", [status("a", running)], {
    init: [{
      status: status("proxy", running, { restartCount: 1, lastState: ended(1, "Error", 10) }),
      sidecar: true,
    }],
    status: READY,
  }),
  podOf("ending", "Running", [status("a", running)], { deleted: true }),
  podOf("evicted", "Failed", [status("a", ended(137, "Error"))], { status: { reason: "Evicted" } }),
  podOf("half", "Running", [status("a", running), status("b", ended(0, "Completed"))], { status: READY }),
  podOf("half-unready", "Running", [status("a", running), status("b", ended(0, "Completed"))]),
  podOf("new", "Pending", [status("a", waiting("ContainerCreating"))], { namespace: "other" }),
];

Deno.test("renderPods() prints the table that kubectl prints", () => {
  assertGolden("pods", renderPods(PODS, { nowMs: NOW_MS }));
});

Deno.test("renderPods() adds kubectl's wide columns and the namespace", () => {
  assertGolden("pods_wide", renderPods(PODS, { nowMs: NOW_MS, wide: true, namespaces: true }));
});

Deno.test("renderPods() leaves the head out when asked", () => {
  const text = renderPods(PODS.slice(0, 1), { nowMs: NOW_MS, headers: false });
  assert.equal(text, "web   2/2   Running   0     2m5s\n");
});

Deno.test("renderPods() lets nothing of a pod move the cursor", () => {
  const pod = podOf("web", "Running", [status("a", waiting("\x1b[2J"))]);
  assert.ok(!renderPods([pod], { nowMs: NOW_MS }).includes("\x1b"));
});

Deno.test("podRow() calls a pod Evicted whatever its containers ended with", () => {
  assert.equal(podRow(PODS.find(({ metadata }) => metadata?.name === "evicted")!, NOW_MS).status, "Evicted");
});

Deno.test("podRow() shows a finished pod that is deleted by what it ended with", () => {
  const pod = podOf("done", "Succeeded", [status("a", ended(0, "Completed"))], { deleted: true });
  assert.equal(podRow(pod, NOW_MS).status, "Completed");
});

Deno.test("podRow() lets the first container that has something to say speak for the pod", () => {
  const pod = podOf("web", "Running", [
    status("a", running),
    status("b", waiting("CrashLoopBackOff")),
    status("c", ended(1, "Error")),
  ]);
  assert.equal(podRow(pod, NOW_MS).status, "CrashLoopBackOff");
});

Deno.test("podRow() tells when the last restart was, of all containers", () => {
  const pod = podOf("web", "Running", [
    status("a", running, { restartCount: 1, lastState: ended(1, "Error", 300) }),
    status("b", running, { restartCount: 2, lastState: ended(1, "Error", 45) }),
  ]);
  assert.equal(podRow(pod, NOW_MS).restarts, "3 (45s ago)");
});

Deno.test("renderPodNames() prints what other commands take", () => {
  assert.equal(renderPodNames(PODS.slice(0, 2)), "pod/web\npod/done\n");
});

Deno.test("humanDuration() writes times as kubectl does", () => {
  const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
  const cases: [number, string][] = [
    [-5 * second, "<invalid>"],
    [-second, "0s"],
    [0, "0s"],
    [119 * second, "119s"],
    [120 * second, "2m"],
    [125 * second, "2m5s"],
    [10 * minute, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [3 * hour + 5 * minute, "3h5m"],
    [8 * hour + 5 * minute, "8h"],
    [47 * hour, "47h"],
    [2 * day, "2d"],
    [2 * day + 3 * hour, "2d3h"],
    [8 * day + 3 * hour, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [735 * day, "2y5d"],
    [9 * 365 * day + day, "9y"],
  ];
  for (const [ms, text] of cases) assert.equal(humanDuration(ms), text);
  assert.equal(ago(0), "2026-03-01T12:00:00Z");
});
