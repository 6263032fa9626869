/** Every example is run, and does what it and the README say. */
import { match, ok, strictEqual } from "node:assert/strict";
import { podTest, type TestRoot } from "../support/pods.ts";

const example = (name: string): string => new URL(`../../examples/${name}`, import.meta.url).pathname;

podTest("examples/hello.yaml says hello, and the README shows its very words", async (root) => {
  const said = await root.run(["up", example("hello.yaml")]);
  strictEqual(said.stdout, "hello/hello | Hello from pod hello, as root\n");
  strictEqual(said.code, 0, said.stderr);
  const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
  ok(readme.includes(said.stdout), "README.md shows another output of examples/hello.yaml");
});

/** `image: host` has what the machine has: the example's server is a program for Node. */
function hasNode(): boolean {
  try {
    return new Deno.Command("node", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** The first of the files that this machine's cgroup version has, as the container sees it. */
async function limitInside(root: TestRoot, container: string, files: readonly string[]): Promise<string> {
  const tries = files.map((file) => `cat /sys/fs/cgroup/${file} 2>/dev/null`).join(" || ");
  return (await root.sh("sidecar", container, tries)).trim();
}

podTest(
  "examples/sidecar.yaml: the collector reads the server's log and sees its process; limits stand in the kernel",
  sidecar,
  { ignore: !hasNode() && "there is no node on this machine" },
);

async function sidecar(root: TestRoot): Promise<void> {
  await root.ok("up", "-d", example("sidecar.yaml"));
  const pod = await root.pod("sidecar");
  strictEqual(pod.status?.phase, "Running");
  strictEqual(pod.status?.qosClass, "Burstable");
  const script = 'require("http").get("http://127.0.0.1:8080/visit", (a) => a.pipe(process.stdout))';
  strictEqual(
    await root.ok("exec", "sidecar", "-c", "web", "--", "node", "-e", script),
    "Hello from the pod\n",
  );
  await root.sh("sidecar", "collector", "until grep -q 'GET /visit' /logs/access.log; do sleep 0.05; done");
  await untilLogged(root, "collector", /GET \/visit/);
  match(await root.ok("logs", "sidecar", "-c", "collector"), /sees process \d+: node/);
  for (const [container, bytes] of [["web", 128 << 20], ["collector", 32 << 20]] as const) {
    strictEqual(
      await limitInside(root, container, ["memory/memory.limit_in_bytes", "memory.max"]),
      String(bytes),
    );
  }
  const quota = await limitInside(root, "web", ["cpu/cpu.cfs_quota_us", "cpu.max"]);
  match(quota, /^50000( 100000)?$/);
}

async function untilLogged(root: TestRoot, container: string, wanted: RegExp): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!wanted.test(await root.ok("logs", "sidecar", "-c", container))) {
    ok(performance.now() < deadlineMs, `${container} never logged ${wanted}`);
  }
}
