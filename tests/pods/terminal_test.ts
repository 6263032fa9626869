import { match, ok, strictEqual } from "node:assert/strict";
import { podTest, type TestRoot } from "../support/pods.ts";

/** Runs `seedpod exec …` on a terminal of its own, made by script(1), and types into it; gives the screen and the exit status. */
async function onTerminal(
  root: TestRoot,
  args: string,
  typed: readonly (readonly [after: string, keys: string])[],
): Promise<{ screen: string; code: number }> {
  const main = new URL("../../runner/main.ts", import.meta.url).pathname;
  const run = `${Deno.execPath()} run --allow-all --quiet --no-check ${main} ${args}`;
  const child = new Deno.Command("timeout", {
    args: ["20", "script", "--quiet", "--return", "--command", `stty rows 33 cols 111; ${run}`, "/dev/null"],
    env: { SEEDPOD_ROOT: root.path, SHELL: "/bin/sh" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keys = child.stdin.getWriter();
  let screen = "";
  let step = 0;
  let seen = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    screen += text;
    for (let next = typed[step]; next && screen.indexOf(next[0], seen) >= 0; next = typed[step]) {
      seen = screen.indexOf(next[0], seen) + next[0].length;
      await keys.write(new TextEncoder().encode(next[1]));
      step++;
    }
  }
  await keys.close().catch(() => {});
  const { code } = await child.status;
  strictEqual(step, typed.length, `the terminal showed only ${JSON.stringify(screen)}`);
  return { screen, code };
}

const SLEEPER = `
apiVersion: v1
kind: Pod
metadata: {name: plain}
spec:
  containers: [{name: c, image: host, command: [sleep, "1000"]}]
`;

podTest(
  "a container with tty has a terminal of its own, on /dev/console too, and its output is in the log",
  async (root) => {
    await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: tty}
spec:
  containers:
  - name: c
    image: host
    tty: true
    stdin: true
    command: [sh, -c, 'tty; ls -l /proc/self/fd/2 | sed "s/.* //"; stat -c "%t:%T %U" /dev/console /dev/pts/0 /dev/tty; echo to stderr >&2; echo > /dev/tty; ps -o tty= -p 1; echo $TERM; exec sleep 1000']
`);
    const log = await root.ok("logs", "tty");
    strictEqual(
      log.replaceAll("\r", ""),
      "/dev/pts/0\n/dev/pts/0\n88:0 root\n88:0 root\n5:0 root\nto stderr\n\npts/0\nxterm\n",
    );
    match(
      await root.sh("tty", "c", "cat /proc/self/mountinfo"),
      / \/0 \/dev\/console rw,nosuid,noexec,relatime - devpts /,
    );
    const path = (await Array.fromAsync(Deno.readDir(`${root.path}/log`)))[0]!.name;
    ok(!Deno.readTextFileSync(`${root.path}/log/${path}/c/0.log`).includes(" stderr "));
  },
);

podTest("a container with stdin waits for input, and one without reads its end", async (root) => {
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: stdin}
spec:
  restartPolicy: Never
  containers:
  - {name: waits, image: host, stdin: true, command: [cat]}
  - {name: ends, image: host, command: [cat]}
`);
  const pod = await root.until(
    "stdin",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.terminated !== undefined,
  );
  const [ends, waits] = pod.status!.containerStatuses!;
  strictEqual(ends?.state?.terminated?.exitCode, 0);
  ok(waits?.state?.running);
});

podTest(
  "exec -i passes ten megabytes through a command unchanged, and its exit status back",
  async (root) => {
    await root.up(SLEEPER);
    const input = new Uint8Array(10_000_000).map((_, index) => (index * 2654435761) >>> 13);
    const child = root.command(["exec", "-i", "plain", "--", "sh", "-c", "cat; exit 42"], {
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    const writing = writer.write(input).then(() => writer.close());
    const { code, stdout } = await child.output();
    await writing;
    strictEqual(code, 42);
    strictEqual(stdout.length, input.length);
    ok(stdout.every((byte, index) => byte === input[index]));
  },
);

podTest("exec keeps stdout and stderr apart, and tells what ended the command", async (root) => {
  await root.up(SLEEPER);
  const said = await root.run(["exec", "plain", "--", "sh", "-c", "echo out; echo err >&2; kill -9 $$"]);
  strictEqual(said.stdout, "out\n");
  strictEqual(said.stderr, "err\n");
  strictEqual(said.code, 137);
  const missing = await root.run(["exec", "plain", "--", "no-such-command"]);
  match(missing.stderr, /Cannot run "no-such-command".*No such file or directory/);
  ok(missing.code !== 0);
});

podTest("a command that forks twice leaves no zombie and nothing else behind", async (root) => {
  await root.up(SLEEPER);
  strictEqual(
    await root.sh(
      "plain",
      "c",
      "(sleep 0.01 & exec true) & (setsid sh -c 'true & exec true' &) ; sleep 0.1; echo done",
    ),
    "done\n",
  );
  const states =
    "for p in /proc/[0-9]*; do sed -n 's/^State:\\t//p' $p/status 2>/dev/null; done | grep -c Z; true";
  strictEqual(await root.sh("plain", "c", states), "0\n");
  strictEqual(await root.sh("plain", "c", "cat /proc/1/comm"), "sleep\n");
});

podTest(
  "exec -t -i is a real terminal: its size follows, Ctrl-C reaches the program, the status comes back",
  async (root) => {
    await root.up(SLEEPER);
    const { screen, code } = await onTerminal(root, "exec -t -i plain -- sh", [
      ["#", "tty; stty size; echo $TERM\n"],
      ["xterm\r\n", `sh -c 'trap "echo INTERRUPTED; exit" INT; echo READY; while sleep 0.1; do :; done'\n`],
      ["READY\r\n", "\x03"],
      ["INTERRUPTED\r\n", "exit 7\n"],
    ]);
    match(screen, /\/dev\/pts\/0\r\n33 111\r\nxterm\r\n/);
    strictEqual(code, 7);
  },
);
