import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type CompletePod,
  hasErrors,
  newPodState,
  parseManifests,
  planPod,
  podObject,
  qosClass,
} from "../mod.ts";

const TEXT = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: main, image: host, command: [sleep, "9"]}]}
`;

Deno.test("the library reads a manifest and decides over its pod, as values", () => {
  const { objects, diagnostics } = parseManifests([{ file: "web.yaml", text: TEXT }]);
  strictEqual(hasErrors(diagnostics), false);
  const pod = objects[0]!.object as CompletePod;
  const state = newPodState("11111111-2222-3333-4444-555555555555", 1_000);
  deepStrictEqual(planPod(pod, state, 2_000), { actions: [{ do: "create-sandbox" }] });
  strictEqual(qosClass(pod.spec), "BestEffort");
  strictEqual(podObject(pod, state, { nowMs: 2_000, nodeName: "here" }).status?.phase, "Pending");
});

Deno.test("the library touches nothing: it needs no permission", async () => {
  const program = `import { parseManifests } from ${
    JSON.stringify(new URL("../mod.ts", import.meta.url).href)
  };
    parseManifests([{ file: "x.yaml", text: "kind: Pod" }]);`;
  const config = new URL("../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-prompt", "--config", config, "--ext=ts", "-"],
    stdin: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { code, stderr } = await child.output();
  strictEqual(code, 0, new TextDecoder().decode(stderr));
});
