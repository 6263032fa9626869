import { match, strictEqual } from "node:assert/strict";
import { podTest } from "../support/pods.ts";
import { RunningCommand } from "../support/running_command.ts";
import { shellPod, SLEEPER } from "../support/shell_pod.ts";

podTest("exec gives the command's output and exit status", async (root) => {
  await root.up(shellPod("web", SLEEPER, ""));
  const said = await root.run(["exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 42"]);
  strictEqual(`${said.code} ${said.stdout} ${said.stderr}`, "42 out\n err\n");
  const killed = await root.run(["exec", "web", "--", "sh", "-c", "kill -KILL $$"]);
  strictEqual(killed.code, 137);
});

podTest("exec of what cannot be run gives a shell's 127 or 126, and says why", async (root) => {
  await root.up(shellPod("web", SLEEPER, ""));
  const missing = await root.run(["exec", "web", "--", "no-such-command"]);
  strictEqual(missing.code, 127);
  match(missing.stderr, /^error: Cannot run "no-such-command": .*No such file or directory \(ENOENT\)\n$/);
  const noProgram = await root.run(["exec", "web", "--", "/etc/passwd"]);
  strictEqual(noProgram.code, 126);
  match(noProgram.stderr, /Permission denied/);
  const noPod = await root.run(["exec", "wep", "--", "true"]);
  strictEqual(noPod.code, 1);
  match(noPod.stderr, /Cannot find pod "wep"/);
});

podTest("exec -i pipes standard input through, and without it there is none", async (root) => {
  await root.up(shellPod("web", SLEEPER, ""));
  const megabyte = "0123456789abcde\n".repeat(65_536);
  const said = await root.run(["exec", "-i", "web", "--", "md5sum"], megabyte);
  const here = new Deno.Command("md5sum", { stdin: "piped", stdout: "piped" }).spawn();
  const writer = here.stdin.getWriter();
  void writer.write(new TextEncoder().encode(megabyte)).then(() => writer.close());
  strictEqual(said.stdout, new TextDecoder().decode((await here.output()).stdout));
  strictEqual((await root.run(["exec", "web", "--", "cat"], "ignored")).stdout, "");
});

podTest("exec that is interrupted takes its command along", async (root) => {
  await root.up(shellPod("web", SLEEPER, ""));
  const exec = new RunningCommand(root, [
    "exec",
    "web",
    "--",
    "sh",
    "-c",
    "echo begun; sleep 4321 & sleep 4322",
  ]);
  await exec.says("begun");
  exec.kill("SIGINT");
  strictEqual(await exec.ended(), 130);
  match(await root.sh("web", "main", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; true"), /^(?!.*sleep 432)/s);
});

podTest("twenty execs run at once", async (root) => {
  await root.up(shellPod("web", SLEEPER, ""));
  const all = await Promise.all(
    Array.from(
      { length: 20 },
      (_, index) => root.run(["exec", "web", "--", "sh", "-c", `sleep 0.5; exit ${index}`]),
    ),
  );
  strictEqual(all.map(({ stderr }) => stderr).join(""), "");
  strictEqual(all.map(({ code }) => code).join(), Array.from({ length: 20 }, (_, index) => index).join());
});
