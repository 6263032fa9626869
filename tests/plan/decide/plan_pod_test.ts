/** The decision over one pod, by the documents of Kubernetes on the life of pods, init containers and sidecars. */
import { checkPlans, ended, type PlanRow, running, starting, T0 } from "./_pod.ts";

const SIDECAR = { init: ["*s"], main: ["a"] };
const trouble = { reason: "X", message: "", count: 3, lastMs: T0 };

/** A pod that starts: https://kubernetes.io/docs/concepts/workloads/pods/init-containers/ */
checkPlans([
  { it: "makes the sandbox first", state: { sandbox: "absent" }, plan: "create-sandbox" },
  {
    it: "starts all containers at once, in the manifest's order",
    pod: { main: ["b", "a"] },
    plan: "start b#0, start a#0",
  },
  {
    it: "has nothing to do while all containers run",
    state: { containers: { a: running(T0) } },
    plan: "",
  },
  {
    it: "starts the first init container alone",
    pod: { init: ["i", "j"] },
    plan: "start i#0",
  },
  {
    it: "waits for an init container that runs",
    pod: { init: ["i", "j"] },
    state: { containers: { i: running(T0) } },
    plan: "",
  },
  {
    it: "starts the next init container when the one before has ended well",
    pod: { init: ["i", "j"] },
    state: { containers: { i: ended(0, T0) } },
    plan: "start j#0",
  },
  {
    it: "starts the containers when the last init container has ended well",
    pod: { init: ["i"], main: ["a", "b"] },
    state: { containers: { i: ended(0, T0) } },
    plan: "start a#0, start b#0",
  },
  {
    it: "tries a failed init container again under restartPolicy Always, before anything after it",
    pod: { init: ["i", "j"], restartPolicy: "Always" },
    state: { containers: { i: ended(1, T0) } },
    plan: "start i#1",
  },
  {
    it: "tries a failed init container again under restartPolicy OnFailure",
    pod: { init: ["i"], restartPolicy: "OnFailure" },
    state: { containers: { i: ended(1, T0) } },
    plan: "start i#1",
  },
  {
    it: "ends a pod whose init container has failed under restartPolicy Never",
    pod: { init: ["i"], restartPolicy: "Never" },
    state: { containers: { i: ended(1, T0) } },
    plan: "destroy-sandbox",
  },
  {
    it: "does not run init containers again beside containers that are restarted",
    pod: { init: ["i"], restartPolicy: "Always" },
    state: { containers: { i: ended(0, T0), a: ended(1, T0) } },
    plan: "start a#1",
  },
]);

/** https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/ */
checkPlans([
  { it: "starts a sidecar before what comes after it", pod: SIDECAR, plan: "start s#0" },
  {
    it: "waits until a sidecar that was asked for runs",
    pod: SIDECAR,
    state: { containers: { s: starting() } },
    plan: "",
  },
  {
    it: "lets the next one start beside a sidecar that runs",
    pod: SIDECAR,
    state: { containers: { s: running(T0) } },
    plan: "start a#0",
  },
  {
    it: "restarts a sidecar that ended before the next one was begun, and goes on waiting for it",
    pod: { init: ["*s", "i"] },
    state: { containers: { s: ended(1, T0) } },
    plan: "start s#1",
  },
  {
    it: "restarts a crashed sidecar beside an init container, and does not hold up what comes next",
    pod: { init: ["*s", "i"] },
    state: { containers: { s: ended(1, T0, { quickEnds: 2 }), i: ended(0, T0) } },
    at: 5000,
    plan: "start a#0, wake 10000",
  },
  {
    it: "restarts a sidecar whatever the restartPolicy of the pod and its own exit code",
    pod: { ...SIDECAR, restartPolicy: "Never" },
    state: { containers: { s: ended(0, T0), a: running(T0) } },
    plan: "start s#1",
  },
  {
    it: "stops sidecars when the main containers have ended for good, the last one first",
    pod: { init: ["*s", "*t"], restartPolicy: "Never" },
    state: { containers: { s: running(T0), t: running(T0), a: ended(0, T0) } },
    plan: "stop t, wake 30000",
  },
  {
    it: "stops the sidecar before when the one after it has ended, within the same grace",
    pod: { init: ["*s", "*t"], restartPolicy: "Never" },
    state: {
      containers: { s: running(T0), t: ended(143, T0, { stopSignalledMs: T0 }), a: ended(0, T0) },
    },
    at: 5000,
    plan: "stop s, wake 30000",
  },
  {
    it: "never restarts a sidecar of a pod that has finished",
    pod: { ...SIDECAR, restartPolicy: "OnFailure" },
    state: { containers: { s: ended(1, T0), a: ended(0, T0) } },
    plan: "destroy-sandbox",
  },
  {
    it: "stops the sidecars of a pod whose init container has failed for good",
    pod: { init: ["*s", "i"], restartPolicy: "Never" },
    state: { containers: { s: running(T0), i: ended(1, T0) } },
    plan: "stop s, wake 30000",
  },
]);

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy */
checkPlans([
  ...(["Always", "OnFailure", "Never"] as const).flatMap((restartPolicy) =>
    [0, 1].map((code): PlanRow => {
      const again = restartPolicy === "Always" || (restartPolicy === "OnFailure" && code !== 0);
      return {
        it: `${again ? "restarts" : "leaves"} a container that ended with ${code} under ${restartPolicy}`,
        pod: { restartPolicy },
        state: { containers: { a: ended(code, T0) } },
        plan: again ? "start a#1" : "destroy-sandbox",
      };
    })
  ),
  {
    it: "takes Always for a pod without a restartPolicy",
    state: { containers: { a: ended(0, T0) } },
    plan: "start a#1",
  },
  {
    it: "keeps a pod of which one container has ended for good while another runs",
    pod: { main: ["a", "b"], restartPolicy: "Never" },
    state: { containers: { a: ended(1, T0), b: running(T0) } },
    plan: "",
  },
  ...([[1, 0], [2, 10], [3, 20], [4, 40], [5, 80], [6, 160], [7, 300], [100, 300]] as const).flatMap(
    ([quickEnds, seconds]): PlanRow[] => [
      {
        it: `waits out the back-off of ${seconds} s after ${quickEnds} quick ends, and asks to be woken`,
        state: { containers: { a: ended(1, T0, { quickEnds, attempt: quickEnds - 1 }) } },
        at: seconds * 1000 - 1,
        plan: `wake ${seconds * 1000}`,
      },
      {
        it: `restarts a container ${seconds} s after ${quickEnds} quick ends`,
        state: { containers: { a: ended(1, T0, { quickEnds, attempt: quickEnds - 1 }) } },
        at: seconds * 1000,
        plan: `start a#${quickEnds}`,
      },
    ],
  ).filter(({ at }) => at! >= 0),
  {
    it: "wakes for the first of two back-offs",
    pod: { main: ["a", "b"] },
    state: { containers: { a: ended(1, T0, { quickEnds: 3 }), b: ended(1, T0, { quickEnds: 2 }) } },
    plan: "wake 10000",
  },
]);

/** What fails on the way to a running container is tried again, after 1 s, doubling to a minute. */
checkPlans([
  {
    it: "does not make a sandbox again before its pause is over",
    state: { sandbox: "absent", trouble },
    at: 3999,
    plan: "wake 4000",
  },
  {
    it: "makes a sandbox again when its pause is over",
    state: { sandbox: "absent", trouble },
    at: 4000,
    plan: "create-sandbox",
  },
  {
    it: "pauses a minute at most between two tries",
    state: { sandbox: "absent", trouble: { ...trouble, count: 50 } },
    plan: "wake 60000",
  },
  {
    it: "tries a container that cannot be prepared again by itself, and starts the other meanwhile",
    pod: { main: ["a", "b"] },
    state: { containers: { a: { ...starting({ trouble }), state: { at: "waiting" }, attempt: -1 } } },
    plan: "start b#0, wake 4000",
  },
  {
    it: "tries a container that cannot be prepared again under restartPolicy Never too",
    pod: { restartPolicy: "Never" },
    state: { containers: { a: { ...starting({ trouble }), state: { at: "waiting" }, attempt: -1 } } },
    at: 4000,
    plan: "start a#0",
  },
  {
    it: "waits for the back-off where it ends after the pause of a trouble",
    state: { containers: { a: ended(1, T0, { quickEnds: 3, trouble }) } },
    plan: "wake 20000",
  },
  {
    it: "stops a pod in trouble without a pause",
    state: { sandbox: "absent", trouble, deletion: { requestedMs: T0, graceSeconds: 30 } },
    plan: "remove-pod",
  },
]);

/** https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#pod-restart-reasons */
const OLD = { fromEarlierSandbox: true } as const;
checkPlans([
  {
    it: "makes a lost sandbox again",
    state: { sandbox: "absent", containers: { a: ended(137, T0) } },
    plan: "create-sandbox",
  },
  {
    it: "does not make a lost sandbox again for containers that may not be restarted",
    pod: { restartPolicy: "Never" },
    state: { sandbox: "absent", containers: { a: ended(137, T0) } },
    plan: "destroy-sandbox",
  },
  {
    it: "runs init containers again in a new sandbox, and nothing before them",
    pod: { init: ["i", "j"] },
    state: { containers: { i: ended(0, T0, OLD), j: ended(0, T0, OLD), a: ended(137, T0, OLD) } },
    plan: "start i#1",
  },
  {
    it: "runs the second init container again after the first has in a new sandbox",
    pod: { init: ["i", "j"] },
    state: { containers: { i: ended(0, T0), j: ended(0, T0, OLD), a: ended(137, T0, OLD) } },
    plan: "start j#1",
  },
  {
    it: "waits for a sidecar to run again in a new sandbox",
    pod: SIDECAR,
    state: { containers: { s: ended(137, T0, { ...OLD, quickEnds: 2 }), a: ended(137, T0, OLD) } },
    plan: "wake 10000",
  },
  {
    it: "does not start a container again that ended well under OnFailure in a new sandbox",
    pod: { main: ["a", "b"], restartPolicy: "OnFailure" },
    state: { containers: { a: ended(0, T0, OLD), b: ended(137, T0, OLD) } },
    plan: "start b#1",
  },
]);
