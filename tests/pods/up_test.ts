import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { podTest, type TestRoot } from "../support/pods.ts";
import { RunningCommand } from "../support/running_command.ts";
import { shellPod, SLEEPER } from "../support/shell_pod.ts";

async function isEmpty(root: TestRoot): Promise<void> {
  strictEqual(await root.ok("get", "pods", "-A", "-o", "name"), "");
}

podTest("up shows what the pods write, ends with the worst exit status and leaves nothing", async (root) => {
  const files = [
    root.manifest(shellPod("one", "echo out; echo err >&2; exit 3")),
    root.manifest(shellPod("three", "printf unfinished")),
  ];
  const said = await root.run(["up", ...files]);
  strictEqual(said.code, 3, said.stderr);
  deepStrictEqual(said.stdout.trim().split("\n").sort(), [
    "one/main   | err",
    "one/main   | out",
    "three/main | unfinished",
  ]);
  await isEmpty(root);
});

podTest("up shows every line of a container that writes ten thousand and ends", async (root) => {
  const file = root.manifest(shellPod("many", "seq 10000"));
  const said = await root.run(["up", file]);
  strictEqual(said.code, 0, said.stderr);
  const lines = said.stdout.trim().split("\n").map((line) => line.replace("many/main | ", ""));
  deepStrictEqual(lines, Array.from({ length: 10_000 }, (_, index) => `${index + 1}`));
});

podTest("up follows restarts", async (root) => {
  const script =
    "if [ -e /data/second ]; then echo again; exit 0; fi; touch /data/second; echo first; exit 1";
  const file = root.manifest(`apiVersion: v1
kind: Pod
metadata: {name: twice}
spec:
  restartPolicy: OnFailure
  volumes: [{name: data, emptyDir: {}}]
  containers:
  - {name: main, image: host, command: [sh, -c, ${
    JSON.stringify(script)
  }], volumeMounts: [{name: data, mountPath: /data}]}
`);
  const said = await root.run(["up", file]);
  strictEqual(said.stdout, "twice/main | first\ntwice/main | again\n");
  strictEqual(said.code, 0);
});

podTest("Ctrl-C stops the pods of up gracefully and removes them", async (root) => {
  const up = new RunningCommand(root, ["up", root.manifest(shellPod("web", SLEEPER, ""))]);
  await up.says("ready");
  up.kill("SIGINT");
  strictEqual(await up.ended(), 130);
  match(up.stdout, /web\/main \| stopping\n/);
  match(up.stderr, /press Ctrl-C again to kill/);
  await isEmpty(root);
});

podTest("a second Ctrl-C kills at once what ignores the first", async (root) => {
  const file = root.manifest(shellPod("deaf", 'trap "" TERM; echo ready; while :; do sleep 0.05; done', ""));
  const up = new RunningCommand(root, ["up", file]);
  await up.says("ready");
  up.kill("SIGINT");
  const startMs = performance.now();
  while (!up.stderr.includes("again")) await new Promise((resolve) => setTimeout(resolve, 5));
  up.kill("SIGINT");
  strictEqual(await up.ended(), 130);
  ok(performance.now() - startMs < 10_000, "it waited for the grace period of 30 s");
  await isEmpty(root);
});

podTest("two ups of different files run side by side, and each removes its own pods alone", async (root) => {
  const first = new RunningCommand(root, ["up", root.manifest(shellPod("first", SLEEPER, ""))]);
  const second = new RunningCommand(root, ["up", root.manifest(shellPod("second", SLEEPER, ""))]);
  await Promise.all([first.says("ready"), second.says("ready")]);
  first.kill("SIGINT");
  strictEqual(await first.ended(), 130);
  strictEqual(await root.ok("get", "pods", "-o", "name"), "pod/second\n");
  strictEqual((await root.pod("second")).status?.phase, "Running");
  second.kill("SIGTERM");
  strictEqual(await second.ended(), 143);
});

podTest("up of a pod that a daemon supervises shows its logs and takes no second copy up", async (root) => {
  const file = await root.up(shellPod("web", SLEEPER, ""));
  const { uid } = (await root.pod("web")).metadata!;
  const up = new RunningCommand(root, ["up", file]);
  await up.says("web/main | ready");
  const pods = await root.pods();
  deepStrictEqual(pods.map((pod) => [pod.metadata?.uid, pod.status?.containerStatuses?.[0]?.restartCount]), [[
    uid,
    0,
  ]]);
  up.kill("SIGINT");
  strictEqual(await up.ended(), 130);
  await isEmpty(root);
});

podTest("pods outlive an up that is killed, and the next one takes them over", async (root) => {
  const file = root.manifest(shellPod("web", SLEEPER, ""));
  for (const signal of ["SIGKILL", "SIGHUP"] as const) {
    const up = new RunningCommand(root, ["up", file]);
    await up.says("ready");
    const before = await root.sh("web", "main", "cut -d' ' -f22 /proc/1/stat");
    up.kill(signal);
    await up.ended();
    strictEqual((await root.pod("web")).status?.phase, "Running");
    strictEqual(await root.sh("web", "main", "cut -d' ' -f22 /proc/1/stat"), before);
  }
  await root.ok("down", file);
});

podTest("up removes the pods when nobody reads what they write any more", async (root) => {
  const file = root.manifest(
    shellPod("chatty", "while :; do echo line; sleep 0.02; done", "terminationGracePeriodSeconds: 0"),
  );
  const child = root.command(["up", file], { stdout: "piped", stderr: "null", stdin: "null" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  await child.status;
  await isEmpty(root);
});

podTest(
  "up -d with the same files changes nothing, with an edited file it replaces the pod",
  async (root) => {
    const file = await root.up(shellPod("web", SLEEPER, ""));
    const before = await root.pod("web");
    const pid = await root.sh("web", "main", "cut -d' ' -f22 /proc/1/stat");
    strictEqual(await root.ok("up", "-d", file), 'pod "web" running\n');
    const after = await root.pod("web");
    strictEqual(after.metadata?.uid, before.metadata?.uid);
    strictEqual(after.status?.containerStatuses?.[0]?.restartCount, 0);
    strictEqual(await root.sh("web", "main", "cut -d' ' -f22 /proc/1/stat"), pid);
    Deno.writeTextFileSync(file, shellPod("web", `: edited; ${SLEEPER}`, ""));
    await root.ok("up", "-d", file);
    const [pod, ...others] = await root.pods();
    strictEqual(others.length, 0);
    ok(pod?.metadata?.uid !== before.metadata?.uid);
  },
);

podTest("up -d gives 1 with the reason when a pod fails, and leaves it", async (root) => {
  const cases: readonly [string, string, RegExp][] = [
    ["crash", shellPod("crash", "exit 7"), /pod "crash": it failed: container "main" ended with 7 \(Error\)/],
    [
      "nothing",
      shellPod("nothing", "").replace('[sh, -c, ""]', "[/no/such/program]"),
      /StartError.*No such file or directory/,
    ],
    [
      "nopath",
      shellPod("nopath", "sleep 9").replace(
        "spec:",
        "spec:\n  volumes: [{name: v, hostPath: {path: /no/such, type: Directory}}]",
      ),
      /cannot be started: .*\/no\/such/,
    ],
  ];
  for (const [name, text, reason] of cases) {
    const said = await root.run(["up", "-d", root.manifest(text)]);
    strictEqual(said.code, 1, `${name}: ${said.stdout}`);
    match(said.stderr, reason);
    strictEqual((await root.pod(name)).metadata?.name, name);
  }
});

podTest("up -d gives 1 when the time is up, and 0 for a pod that has completed", async (root) => {
  const waiting = `apiVersion: v1
kind: Pod
metadata: {name: slow}
spec:
  initContainers: [{name: init, image: host, command: [sleep, "1000"]}]
  containers: [{name: main, image: host, command: [sleep, "1000"]}]
`;
  const late = await root.run(["up", "-d", "--timeout", "500ms", root.manifest(waiting)]);
  strictEqual(late.code, 1);
  match(late.stderr, /pod "slow": it is not running after 0.5 s/);
  strictEqual((await root.pod("slow")).status?.phase, "Pending");
  match(
    await root.ok("up", "-d", root.manifest(shellPod("done", "exit 0"))),
    /^pod "done" (completed|running)\n$/,
  );
});

podTest("up reads standard input and directories, whose manifests it sorts", async (root) => {
  const directory = `${root.files}/manifests`;
  Deno.mkdirSync(`${directory}/below`, { recursive: true });
  Deno.writeTextFileSync(`${directory}/b.yml`, shellPod("b", SLEEPER, ""));
  Deno.writeTextFileSync(`${directory}/a.yaml`, shellPod("a", SLEEPER, ""));
  Deno.writeTextFileSync(`${directory}/.hidden.yaml`, "not: [yaml");
  Deno.writeTextFileSync(`${directory}/notes.txt`, "not a manifest");
  strictEqual(await root.ok("up", "-d", directory), 'pod "a" running\npod "b" running\n');
  const said = await root.run(["up", "-d", "-"], shellPod("c", SLEEPER, ""));
  strictEqual(said.stdout, 'pod "c" running\n');
  await root.ok("down", directory);
  strictEqual(await root.ok("get", "pods", "-o", "name"), "pod/c\n");
});

podTest("one bad file of three: nothing is started, nothing running is touched", async (root) => {
  const good = await root.up(shellPod("good", SLEEPER, ""));
  const before = await root.pod("good");
  Deno.writeTextFileSync(good, shellPod("good", `: edited; ${SLEEPER}`, ""));
  const bad = root.manifest(shellPod("bad", "exit 0").replace("containers:", "contianers:"));
  for (const detach of [["-d"], []]) {
    const said = await root.run(["up", ...detach, root.manifest(shellPod("new", SLEEPER)), bad, good]);
    strictEqual(said.code, 1);
    match(said.stderr, /contianers/);
    strictEqual(said.stdout, "");
  }
  const pods = await root.pods();
  deepStrictEqual(pods.map(({ metadata }) => metadata?.name), ["good"]);
  strictEqual(pods[0]?.metadata?.uid, before.metadata?.uid);
});

podTest("up colours its prefix on a terminal, and not with NO_COLOR", async (root) => {
  const file = root.manifest(shellPod("web", "echo hello"));
  const onTerminal = async (env: Record<string, string>): Promise<string> => {
    const { cmd, args } = root.shellWords(["up", file]);
    const command = new Deno.Command("script", {
      args: ["-qec", [cmd, ...args].join(" "), "/dev/null"],
      env: { SEEDPOD_ROOT: root.path, TERM: "xterm", ...env },
      stdin: "null",
      clearEnv: false,
    });
    return new TextDecoder().decode((await command.output()).stdout);
  };
  // deno-lint-ignore no-control-regex
  match(await onTerminal({ NO_COLOR: "" }), /\x1b\[[0-9;]+mweb\/main/);
  ok(!(await onTerminal({ NO_COLOR: "1" })).includes("\x1b"));
});
