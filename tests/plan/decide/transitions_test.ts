/** What facts do to a pod's state. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type AttemptEnd,
  type CompletePod,
  containerBegun,
  containerExited,
  containerForgotten,
  containerRunning,
  containerStartFailed,
  containerTroubled,
  killSent,
  memoryOf,
  newPodState,
  oomKillsSeen,
  planPod,
  type PodState,
  processId,
  processOf,
  sandboxEnded,
  sandboxLost,
  sandboxReady,
  stopSignalled,
  troubled,
} from "../../../runner/plan/mod.ts";
import { ended, planText, podOf, running, starting, stateOf, T0 } from "./_pod.ts";

const end = (given: Partial<AttemptEnd> = {}): AttemptEnd => ({
  waitStatus: 0,
  finishedMs: T0 + 1000,
  oomKills: 0,
  message: "",
  ...given,
});

/** How the attempt of a container that runs since T0 is told to have ended. */
function exit(given: Partial<AttemptEnd>, memory = running(T0)): string {
  const { state } = memoryOf(containerExited(stateOf({ containers: { a: memory } }), "a", end(given)), "a");
  return state.at === "terminated" ? `${state.reason} ${state.exitCode} ${state.signal ?? "-"}` : state.at;
}

for (
  const [it, status, told] of [
    ["an exit with 0", 0, "Completed 0 -"],
    ["an exit with 3", 3 << 8, "Error 3 -"],
    ["an exit with 255", 255 << 8, "Error 255 -"],
    ["SIGTERM", 15, "Error 143 15"],
    ["SIGSEGV with a core dump", 11 | 0x80, "Error 139 11"],
    ["SIGKILL", 9, "Error 137 9"],
  ] as const
) {
  Deno.test(`containerExited() tells ${it} as Kubernetes does`, () => {
    strictEqual(exit({ waitStatus: status }), told);
  });
}

for (
  const [it, told, given, memory] of [
    ["SIGKILL with a higher counter", "OOMKilled 137 9", { waitStatus: 9, oomKills: 1 }, running(T0)],
    [
      "SIGKILL with the counter it had",
      "Error 137 9",
      { waitStatus: 9, oomKills: 2 },
      running(T0, { oomKills: 2 }),
    ],
    ["SIGKILL of ours", "Error 137 9", { waitStatus: 9, oomKills: 1 }, running(T0, { killed: true })],
    ["an exit after a child was killed", "Error 1 -", { waitStatus: 256, oomKills: 1 }, running(T0)],
    ["SIGTERM after a child was killed", "Error 143 15", { waitStatus: 15, oomKills: 1 }, running(T0)],
    [
      "SIGKILL just after its counter was read",
      "OOMKilled 137 9",
      { waitStatus: 9, oomKills: 1 },
      running(T0, { oomKillsSeen: { count: 1, atMs: T0 + 999 } }),
    ],
    [
      "SIGKILL long after a child was killed",
      "Error 137 9",
      { waitStatus: 9, oomKills: 1 },
      running(T0, { oomKillsSeen: { count: 1, atMs: T0 } }),
    ],
  ] as const
) {
  Deno.test(`containerExited() takes ${it} for ${told.split(" ")[0]}`, () => {
    strictEqual(exit(given, memory), told);
  });
}

Deno.test("oomKillsSeen() takes a count for outlived when the process still runs at a later one", () => {
  let state = stateOf({ containers: { a: running(T0) } });
  state = oomKillsSeen(state, "a", 1, T0);
  strictEqual(oomKillsSeen(state, "a", 1, T0 + 5000), state);
  state = oomKillsSeen(state, "a", 2, T0 + 5000);
  deepStrictEqual(memoryOf(state, "a").oomKills, 1);
  deepStrictEqual(memoryOf(state, "a").oomKillsSeen, { count: 2, atMs: T0 + 5000 });
});

Deno.test("containerExited() keeps the first of two ends of an attempt", () => {
  const once = containerExited(stateOf({ containers: { a: running(T0) } }), "a", end({ waitStatus: 256 }));
  strictEqual(containerExited(once, "a", end({ waitStatus: 0, finishedMs: T0 + 9 })), once);
  strictEqual(containerStartFailed(once, "a", "late", T0 + 9), once);
});

Deno.test("containerRunning() does not bring an ended or running attempt to life again", () => {
  for (const memory of [ended(1, T0), running(T0)]) {
    const state = stateOf({ containers: { a: memory } });
    strictEqual(containerRunning(state, "a", T0 + 5), state);
  }
});

for (
  const [it, memory, quickEnds] of [
    ["a second quick end", running(T0, { quickEnds: 1 }), 2],
    ["an end before the process ran", starting({ quickEnds: 4 }), 5],
    ["an end one millisecond before ten minutes", running(T0 - 599_000 + 1, { quickEnds: 4 }), 5],
    ["an end after ten minutes", running(T0 - 599_000, { quickEnds: 4 }), 1],
  ] as const
) {
  Deno.test(`containerExited() counts ${it} as ${quickEnds} in a row`, () => {
    const state = stateOf({ containers: { a: memory } });
    strictEqual(memoryOf(containerExited(state, "a", end()), "a").quickEnds, quickEnds);
    strictEqual(memoryOf(sandboxLost(state, T0 + 1000), "a").quickEnds, quickEnds);
  });
}

Deno.test("containerExited() knows no start of a process that never ran", () => {
  const { state } = memoryOf(containerExited(stateOf({ containers: { a: starting() } }), "a", end()), "a");
  strictEqual(state.at === "terminated" && state.startedMs, 0);
});

Deno.test("containerBegun() counts restarts, keeps the last end and forgets the stop of the attempt before", () => {
  const last = ended(1, T0, {
    stopSignalledMs: T0,
    killed: true,
    oomKills: 3,
    oomKillsSeen: { count: 4, atMs: T0 },
  });
  const { state: lastState } = last;
  const memory = memoryOf(containerBegun(stateOf({ containers: { a: last } }), "a", 1), "a");
  deepStrictEqual(memory, {
    state: { at: "waiting", reason: "ContainerCreating" },
    attempt: 1,
    restartCount: 1,
    quickEnds: 1,
    oomKills: 0,
    lastState,
  });
});

Deno.test("containerStartFailed() is Kubernetes' StartError, and counts for back-off", () => {
  const memory = memoryOf(
    containerStartFailed(stateOf({ containers: { a: starting() } }), "a", "why", T0),
    "a",
  );
  deepStrictEqual(memory.state, {
    at: "terminated",
    exitCode: 128,
    reason: "StartError",
    message: "why",
    startedMs: 0,
    finishedMs: T0,
    containerID: "uid-1/a/0",
  });
  strictEqual(memory.quickEnds, 1);
});

Deno.test("containerTroubled() counts failures in a row, and a run ends the row", () => {
  let state = stateOf({});
  state = containerTroubled(state, "a", "CreateContainerError", "x", T0);
  state = containerTroubled(state, "a", "CreateContainerError", "y", T0 + 1);
  deepStrictEqual(memoryOf(state, "a").trouble, {
    reason: "CreateContainerError",
    message: "y",
    count: 2,
    lastMs: T0 + 1,
  });
  strictEqual(memoryOf(state, "a").attempt, -1);
  state = containerRunning(containerBegun(state, "a", 0), "a", T0 + 2);
  strictEqual(memoryOf(state, "a").trouble, undefined);
});

Deno.test("containerForgotten() takes back an attempt that was begun and never ran", () => {
  const fresh = containerBegun(stateOf({}), "a", 0);
  strictEqual(planText(planPod(podOf({}), containerForgotten(fresh, "a", T0), T0)), "start a#0");
  const again = stateOf({ containers: { a: ended(1, T0, { quickEnds: 2, attempt: 1, restartCount: 1 }) } });
  const forgotten = containerForgotten(containerBegun(again, "a", 2), "a", T0);
  strictEqual(planText(planPod(podOf({}), forgotten, T0)), "wake 10000");
  strictEqual(planText(planPod(podOf({}), forgotten, T0 + 10_000)), "start a#2");
  strictEqual(memoryOf(forgotten, "a").restartCount, 1);
});

Deno.test("containerForgotten() does not take an init container's run in an earlier sandbox for one in this", () => {
  const pod = podOf({ init: ["i"] });
  const old = stateOf({ containers: { i: ended(0, T0) } });
  const anew = sandboxReady(sandboxLost(old, T0), 8, 80);
  strictEqual(planText(planPod(pod, anew, T0)), "start i#1");
  const forgotten = containerForgotten(containerBegun(anew, "i", 1), "i", T0);
  strictEqual(planText(planPod(pod, forgotten, T0)), "start i#1");
});

Deno.test("containerForgotten() tells the loss of a container that ran, and nothing of one that has ended", () => {
  const lost =
    memoryOf(containerForgotten(stateOf({ containers: { a: running(T0) } }), "a", T0 + 5), "a").state;
  strictEqual(lost.at === "terminated" && lost.reason, "ContainerStatusUnknown");
  const over = stateOf({ containers: { a: ended(0, T0) } });
  strictEqual(containerForgotten(over, "a", T0), over);
  const unseen = stateOf({});
  strictEqual(containerForgotten(unseen, "a", T0), unseen);
});

Deno.test("sandboxLost() ends what lived with 137 and keeps what had ended", () => {
  const before = stateOf({
    containers: {
      a: running(T0),
      b: running(T0, { killed: true }),
      c: starting(),
      d: ended(0, T0),
      e: { ...starting(), state: { at: "waiting" }, attempt: -1 },
    },
  });
  const after = sandboxLost(before, T0 + 5);
  const told = Object.entries(after.containers).map(([name, { state }]) =>
    state.at === "terminated" ? `${name} ${state.reason} ${state.exitCode}` : `${name} ${state.at}`
  );
  deepStrictEqual(told, [
    "a ContainerStatusUnknown 137",
    "b Error 137",
    "c ContainerStatusUnknown 137",
    "d Completed 0",
    "e waiting",
  ]);
  deepStrictEqual(after.sandbox, { at: "absent" });
});

Deno.test("sandboxLost() leaves a second until the sandbox is made again, so that one which dies at once costs little", () => {
  const lost = sandboxLost(stateOf({ containers: { a: running(T0) } }), T0);
  strictEqual(planText(planPod(podOf({}), lost, T0)), "wake 1000");
  strictEqual(planText(planPod(podOf({}), lost, T0 + 1000)), "create-sandbox");
});

Deno.test("sandboxReady() ends the trouble and keeps the time at which the pod was taken on", () => {
  const state = sandboxReady(troubled(newPodState("uid-1", T0), "X", "", T0 + 1), 8, 80);
  strictEqual(state.trouble, undefined);
  strictEqual(state.startedMs, T0);
  deepStrictEqual(state.sandbox, { at: "ready", pid: 8, startTicks: 80 });
});

Deno.test("stopSignalled(), killSent() and sandboxEnded() change nothing else", () => {
  const state: PodState = stateOf({ containers: { a: running(T0), b: running(T0) } });
  deepStrictEqual(
    stopSignalled(state, "a", T0),
    stateOf({
      containers: { a: running(T0, { stopSignalledMs: T0 }), b: running(T0) },
    }),
  );
  deepStrictEqual(
    killSent(state, "b"),
    stateOf({ containers: { a: running(T0), b: running(T0, { killed: true }) } }),
  );
  deepStrictEqual(sandboxEnded(state), { ...state, sandbox: { at: "ended" } });
});

Deno.test("processId() names every attempt of every container apart, and processOf() reads the name", () => {
  const pod: CompletePod = podOf({ init: ["i", "*s"], main: ["a", "b"] });
  const ids = ["i", "s", "a", "b"].flatMap((name) =>
    [0, 1, 2 ** 31].map((attempt) => {
      const id = processId(pod, name, attempt);
      deepStrictEqual(processOf(pod, id), { name, attempt });
      return id;
    })
  );
  strictEqual(new Set(ids).size, ids.length);
  for (const foreign of [0n, 1n << 63n, 5n << 32n | 1n, 1n << 32n]) {
    strictEqual(processOf(pod, foreign), undefined);
  }
});
