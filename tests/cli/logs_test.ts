import assert from "node:assert/strict";
import { cri } from "../state/cri_log/_log_directory.ts";
import { fakeEngine, say } from "./_command_line.ts";
import { ended, podOf, running, status, waiting } from "./_pods.ts";

/** A pod with two containers that wrote, one that was restarted, and one that never ran. */
class Logs implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "seedpod-logs-" });
  readonly engine = fakeEngine([
    podOf("web", "Running", [
      status("server", running, { restartCount: 1, lastState: ended(1, "Error") }),
      status("log", running),
      status("late", waiting("ImagePullBackOff")),
    ]),
    podOf("job", "Succeeded", [status("a", ended(0, "Completed"))]),
    podOf("loop", "Running", [status("a", waiting("CrashLoopBackOff"), { lastState: ended(1, "Error") })]),
  ], this.root);

  constructor() {
    this.#write("web", "server", 0, cri(1, "stdout", "F", "first run"));
    this.#write("web", "server", 1, cri(2, "stdout", "F", "one"), cri(4, "stderr", "F", "three"));
    this.#write("web", "log", 0, cri(3, "stdout", "F", "two"));
    this.#write("job", "a", 0, cri(1, "stdout", "F", "done"));
    this.#write("loop", "a", 0, cri(1, "stdout", "F", "crash 0"));
    this.#write("loop", "a", 1, cri(2, "stdout", "F", "crash 1"));
  }

  #write(pod: string, container: string, attempt: number, ...lines: string[]): void {
    const directory = `${this.root}/default_${pod}_uid-${pod}/${container}`;
    Deno.mkdirSync(directory, { recursive: true });
    Deno.writeTextFileSync(`${directory}/${attempt}.log`, lines.join(""));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

Deno.test("logs prints the first container, or the one asked for", async () => {
  using logs = new Logs();
  assert.equal((await say(["logs", "web"], logs.engine)).stdout, "one\nthree\n");
  assert.equal((await say(["logs", "pod/web", "-c", "log"], logs.engine)).stdout, "two\n");
  assert.equal((await say(["logs", "web", "--tail=1"], logs.engine)).stdout, "three\n");
  assert.equal((await say(["logs", "web", "--tail", "-1"], logs.engine)).stdout, "one\nthree\n");
});

Deno.test("logs merges all containers by time", async () => {
  using logs = new Logs();
  const { stdout } = await say(["logs", "web", "--all-containers", "--prefix"], logs.engine);
  assert.equal(stdout, "[pod/web/server] one\n[pod/web/log] two\n[pod/web/server] three\n");
  const timed = await say(["logs", "web", "--all-containers", "--timestamps", "--tail", "1"], logs.engine);
  assert.equal(timed.stdout, "2026-01-02T03:04:03.123456789Z two\n2026-01-02T03:04:04.123456789Z three\n");
});

Deno.test("logs --previous prints the run before the last restart, also between two runs", async () => {
  using logs = new Logs();
  assert.equal((await say(["logs", "web", "-p"], logs.engine)).stdout, "first run\n");
  assert.equal((await say(["logs", "loop", "-p"], logs.engine)).stdout, "crash 1\n");
  assert.equal((await say(["logs", "loop"], logs.engine)).stdout, "crash 1\n");
  const none = await say(["logs", "web", "-c", "log", "-p"], logs.engine);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /container "log" in pod "web": it has not been restarted/);
});

Deno.test("logs says why there are none", async () => {
  using logs = new Logs();
  const said = await say(["logs", "web", "-c", "late"], logs.engine);
  assert.equal(said.status, 1);
  assert.match(
    said.stderr,
    /^error: Cannot read the logs of container "late" in pod "web": it waits to start \(ImagePullBackOff\)/,
  );
});

Deno.test("logs -f ends by itself when the container has ended", async () => {
  using logs = new Logs();
  assert.deepEqual(await say(["logs", "job", "-f"], logs.engine), {
    status: 0,
    stdout: "done\n",
    stderr: "",
  });
});
