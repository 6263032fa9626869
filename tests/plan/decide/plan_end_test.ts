/** The decision over a pod that ends: by a request, by itself, or as a whole. */
import { checkPlans, ended, running, starting, T0 } from "./_pod.ts";

const SIDECAR = { init: ["*s"], main: ["a"] };
const trouble = { reason: "X", message: "", count: 3, lastMs: T0 };
const MINUTE = 60_000;

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination */
const deletion = { requestedMs: T0, graceSeconds: 30 };
checkPlans([
  {
    it: "asks all main containers to stop, and wakes when the grace is over",
    pod: { main: ["a", "b"] },
    state: { deletion, containers: { a: running(T0), b: running(T0) } },
    at: 10,
    plan: "stop a, stop b, wake 30000",
  },
  {
    it: "asks a container once to stop",
    state: { deletion, containers: { a: running(T0, { stopSignalledMs: T0 }) } },
    at: 20,
    plan: "wake 30000",
  },
  {
    it: "kills when the grace is over, counted from the request",
    state: { deletion, containers: { a: running(T0, { stopSignalledMs: T0 + 9000 }) } },
    at: 30_000,
    plan: "kill a",
  },
  {
    it: "kills at once without grace",
    state: { deletion: { requestedMs: T0, graceSeconds: 0 }, containers: { a: running(T0) } },
    plan: "kill a",
  },
  {
    it: "kills a container once, and waits for its end",
    state: { deletion, containers: { a: running(T0, { stopSignalledMs: T0, killed: true }) } },
    at: 31_000,
    plan: "",
  },
  {
    it: "does not stop sidecars while a main container runs",
    pod: SIDECAR,
    state: { deletion, containers: { s: running(T0), a: running(T0, { stopSignalledMs: T0 }) } },
    plan: "wake 30000",
  },
  {
    it: "stops sidecars one by one, the last one first",
    pod: { init: ["*s", "*t"] },
    state: { deletion, containers: { s: running(T0), t: running(T0), a: ended(0, T0) } },
    plan: "stop t, wake 30000",
  },
  {
    it: "kills sidecars together with the main containers when the grace is over",
    pod: SIDECAR,
    state: { deletion, containers: { s: running(T0), a: running(T0, { stopSignalledMs: T0 }) } },
    at: 30_000,
    plan: "kill s, kill a",
  },
  {
    it: "stops an init container like a main one",
    pod: { init: ["*s", "i"] },
    state: { deletion, containers: { s: running(T0), i: running(T0) } },
    plan: "stop i, wake 30000",
  },
  {
    it: "tells a container that is on its way of the stop only once it runs",
    pod: { main: ["a", "b"] },
    state: { deletion, containers: { a: starting(), b: running(T0) } },
    plan: "stop b, wake 30000",
  },
  {
    it: "kills a container that is still on its way when the grace is over",
    state: { deletion, containers: { a: starting() } },
    at: 30_000,
    plan: "kill a",
  },
  {
    it: "starts nothing once the pod is to be removed",
    pod: { main: ["a", "b"] },
    state: { deletion, containers: { a: ended(1, T0), b: running(T0, { stopSignalledMs: T0 }) } },
    plan: "wake 30000",
  },
  {
    it: "removes the pod when nothing of it lives",
    state: { deletion, containers: { a: ended(143, T0) } },
    plan: "remove-pod",
  },
  {
    it: "removes a pod of which nothing was made",
    state: { sandbox: "absent", deletion },
    plan: "remove-pod",
  },
  {
    it: "removes a pod that has finished",
    pod: { restartPolicy: "Never" },
    state: { sandbox: "ended", deletion, containers: { a: ended(0, T0) } },
    plan: "remove-pod",
  },
  {
    it: "does not put off an end that has begun when the pod is to be removed as well",
    pod: { ...SIDECAR, restartPolicy: "Never" },
    state: {
      deletion: { requestedMs: T0 + 20_000, graceSeconds: 30 },
      containers: { s: running(T0, { stopSignalledMs: T0 }), a: ended(0, T0) },
    },
    at: 20_000,
    plan: "wake 30000",
  },
  {
    it: "gives the grace of the request, not the pod's own, where it is the longer one",
    pod: { ...SIDECAR, restartPolicy: "Never" },
    state: {
      deletion: { requestedMs: T0, graceSeconds: 60 },
      containers: { s: running(T0), a: ended(0, T0, { stopSignalledMs: T0 + 1 }) },
    },
    at: 2,
    plan: "stop s, wake 60000",
  },
]);

/** Finished pods, and those that are ended as a whole. */
const evicted = { reason: "Evicted", message: "" } as const;
const late = { reason: "DeadlineExceeded", message: "" } as const;
checkPlans([
  {
    it: "takes the sandbox of a finished pod away and keeps the rest",
    pod: { restartPolicy: "Never" },
    state: { containers: { a: ended(0, T0) } },
    plan: "destroy-sandbox",
  },
  {
    it: "has nothing to do for a finished pod without a sandbox",
    pod: { restartPolicy: "Never", activeDeadlineSeconds: 1 },
    state: { sandbox: "ended", containers: { a: ended(0, T0) } },
    at: MINUTE,
    plan: "",
  },
  {
    it: "wakes for the deadline, counted from when the pod was taken on",
    pod: { activeDeadlineSeconds: 60 },
    state: { containers: { a: running(T0 + 5000) } },
    at: 5000,
    plan: "wake 60000",
  },
  {
    it: "wakes for a back-off that ends before the deadline",
    pod: { activeDeadlineSeconds: 60 },
    state: { containers: { a: ended(1, T0, { quickEnds: 2 }) } },
    plan: "wake 10000",
  },
  {
    it: "fails a pod at its deadline",
    pod: { activeDeadlineSeconds: 60 },
    state: { containers: { a: running(T0) } },
    at: MINUTE,
    plan: "fail DeadlineExceeded",
  },
  {
    it: "fails a pod at its deadline although its sandbox never stood",
    pod: { activeDeadlineSeconds: 60 },
    state: { sandbox: "absent", trouble },
    at: MINUTE,
    plan: "fail DeadlineExceeded",
  },
  {
    it: "lets a deadline pass that comes while the sidecars of a finished pod are stopped",
    pod: { ...SIDECAR, restartPolicy: "Never", activeDeadlineSeconds: 10 },
    state: { containers: { s: running(T0, { stopSignalledMs: T0 }), a: ended(0, T0) } },
    at: 11_000,
    plan: "wake 30000",
  },
  {
    it: "stops a pod beyond its deadline with grace",
    state: { failure: late, containers: { a: running(T0) } },
    plan: "stop a, wake 30000",
  },
  {
    it: "kills a pod beyond its deadline when its grace is over",
    state: { failure: late, containers: { a: running(T0, { stopSignalledMs: T0 }) } },
    at: 30_000,
    plan: "kill a",
  },
  {
    it: "kills an evicted pod at once, sidecars and all",
    pod: SIDECAR,
    state: { failure: evicted, containers: { s: running(T0), a: running(T0) } },
    plan: "kill s, kill a",
  },
  {
    it: "waits for the ends of a killed pod",
    state: { failure: evicted, containers: { a: running(T0, { killed: true }) } },
    plan: "",
  },
  {
    it: "takes the sandbox of a failed pod away and starts nothing",
    state: { failure: evicted, containers: { a: ended(137, T0) } },
    plan: "destroy-sandbox",
  },
  {
    it: "has nothing to do for a failed pod without a sandbox",
    state: { failure: evicted, sandbox: "ended", containers: { a: ended(137, T0) } },
    plan: "",
  },
]);
