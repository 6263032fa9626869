import assert from "node:assert/strict";
import { type PlannedPod, renderPlan } from "../../../runner/cli/view/mod.ts";
import {
  bytes,
  call,
  flags,
  octal,
  ProgramBuilder,
  renderProgram,
  resultOf,
  text,
} from "../../../runner/plan/mod.ts";
import { assertGolden } from "../_golden.ts";

function program() {
  const builder = new ProgramBuilder();
  const from = ["spec", "containers", 0, "image"];
  const how = bytes(new Uint8Array(24), "{flags=O_PATH, resolve=RESOLVE_IN_ROOT}");
  const answer = bytes(new Uint8Array(120), "statfs");
  const root = builder.add("open the rootfs", call("openat2", "AT_FDCWD", text("/srv/web"), how, 24), {
    from,
  });
  builder.add("make /data", call("mkdirat", resultOf(root), text("data"), octal(0o755)), {
    tolerate: ["EEXIST"],
    from,
  });
  builder.add("look at the rootfs", call("fstatfs", resultOf(root), answer));
  builder.add("see that it is procfs", {
    check: answer,
    offset: 0,
    mask: 0xffffffff,
    equals: 0x9fa0,
    errno: "EPERM",
  });
  const again = new ProgramBuilder();
  again.add(
    "make /data again",
    call("mkdirat", { kind: "passed", index: 0, text: "rootfs" }, text("da\nta"), octal(0)),
  );
  const first = builder.append({
    name: "open /data",
    action: call("openat", resultOf(root), text("data"), flags("O_PATH", "O_CLOEXEC"), flags()),
    tolerate: ["ENOENT", "ENOTDIR"],
  }, again);
  builder.add("open what was made", call("openat", resultOf(root), text("data"), "O_PATH", 0), {
    resultInto: first,
    store: { in: how, at: 8 },
  });
  builder.add("go on below a reaper", { reapBelow: true, children: resultOf(first) });
  return builder.build();
}

const POD: PlannedPod = {
  namespace: "default",
  name: "web",
  actions: [
    { sign: "+", text: "create the sandbox" },
    { sign: "~", text: 'restart container "web": its image changed' },
    { sign: "-", text: 'stop container "old"' },
  ],
  programs: [{ title: 'container "web", in the container', program: program() }],
  locate: (path) => path[0] === "spec" ? { file: "pod.yaml", line: 12 } : undefined,
};
const STEADY: PlannedPod = { ...POD, namespace: "other", name: "db", actions: [], programs: [] };

Deno.test("renderPlan() lists what would be done", () => {
  assertGolden("plan", renderPlan([POD, STEADY], { color: false }));
});

Deno.test("renderPlan() prints every system call with its rules and its line of the manifest", () => {
  assertGolden("plan_syscalls", renderPlan([POD], { color: false, renderProgram }));
});

Deno.test("renderPlan() colours what begins and what ends", () => {
  assert.ok(renderPlan([POD], { color: true }).includes("\x1b[32m+\x1b[0m create"));
});
