import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { podTest } from "../support/pods.ts";
import { shellPod, SLEEPER } from "../support/shell_pod.ts";

const MANIFEST = `apiVersion: v1
kind: Pod
metadata: {name: planned}
spec:
  restartPolicy: Never
  volumes: [{name: data, emptyDir: {}}]
  containers:
  - name: main
    image: host
    command: [/bin/true]
    volumeMounts: [{name: data, mountPath: /data}]
`;

/** The system calls of a planned part by name: `write` of `#2  x.yaml:7  set it  write(#1, "0", 1)`. */
function plannedCalls(plan: string, title: string): string[] {
  const lines = plan.split("\n");
  const start = lines.findIndex((line) => line.includes(title));
  ok(start >= 0, `no part "${title}" in ${plan}`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !/^ {4}#\d/.test(line));
  return rest.slice(0, end < 0 ? undefined : end).map((line) => / {2}([a-z_0-9]+)\(/.exec(line)?.[1] ?? line);
}

/** The system calls of the process that ends in the execve of a program, as `strace -f` saw them. */
function tracedCalls(trace: string, program: string): string[] {
  const lines = trace.split("\n");
  const pid = lines.find((line) => line.includes(`execve("${program}"`))?.split(" ")[0];
  ok(pid, `nobody executes ${program}`);
  const own = lines.filter((line) => line.startsWith(`${pid} `)).map((line) =>
    /^\d+ +([a-z_0-9]+)\(/.exec(line)?.[1]
  ).filter((name) => name !== undefined);
  return own.slice(0, own.indexOf("execve") + 1);
}

podTest("plan shows what would be done, and does nothing", async (root) => {
  const file = root.manifest(MANIFEST);
  const plan = await root.ok("plan", file);
  match(plan, /^pod planned\n {2}\+ make the sandbox.*\n {2}\+ start container "main"\n/);
  strictEqual(await root.ok("get", "pods", "-o", "name"), "");
  strictEqual(root.cgroups().join(), "");
  const running = await root.up(shellPod("web", SLEEPER, ""));
  match(await root.ok("plan", running), /^pod web\n.*(nothing|no change|unchanged)/i);
  Deno.writeTextFileSync(running, shellPod("web", `: edited; ${SLEEPER}`, ""));
  match(
    await root.ok("plan", running),
    /- remove pod "web" as it was declared before\n(.|\n)*\+ start container/,
  );
});

podTest(
  "plan --syscalls names every system call that the container's start makes, and the line that asks for it",
  async (root) => {
    const file = root.manifest(MANIFEST);
    const plan = await root.ok("plan", "--syscalls", file);
    match(plan, /manifest-0\.yaml:11 +mount volume "data" on "\/data"/);
    const planned = plannedCalls(plan, 'container "main", in the container');
    const { cmd, args } = root.shellWords(["up", file]);
    const trace = `${root.files}/trace`;
    const traced = new Deno.Command("strace", {
      args: ["-f", "-qq", "-o", trace, cmd, ...args],
      env: { SEEDPOD_ROOT: root.path },
      stdin: "null",
    });
    strictEqual((await traced.output()).code, 0);
    const made = tracedCalls(Deno.readTextFileSync(trace), "/bin/true");
    // infra's own: the signal mask before the program, the word that execve is next, and the closing of all but the pipe
    // on which it would tell of a failure, which takes two calls
    strictEqual(made.shift(), "rt_sigprocmask");
    strictEqual(made.splice(-2, 1)[0], "write");
    strictEqual(made.splice(-2, 1)[0], "close_range");
    deepStrictEqual(madeOutside(made, planned), []);
  },
);

/** The calls that were made but not planned at that place: a planned one may be skipped, as its rules say. */
function madeOutside(made: readonly string[], planned: readonly string[]): string[] {
  let at = 0;
  return made.filter((name) => {
    const found = planned.indexOf(name, at);
    if (found < 0) return true;
    at = found + 1;
    return false;
  });
}
