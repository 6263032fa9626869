import assert from "node:assert/strict";
import { renderJson, renderPodDescription, renderYaml } from "../../../runner/cli/view/mod.ts";
import { parseManifests } from "../../../schema/mod.ts";
import type { Pod } from "../../../schema/kubernetes/mod.ts";
import { assertGolden } from "../_golden.ts";
import { ago, ended, podOf, running, status } from "../_pods.ts";

const POD: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web",
    namespace: "shop",
    uid: "6f1d",
    creationTimestamp: ago(100),
    labels: { tier: "front", app: "web" },
    annotations: { note: "two\nlines" },
  },
  spec: {
    nodeName: "machine",
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    initContainers: [{
      name: "prepare",
      image: "host",
      command: ["sh", "-c"],
      args: ["touch /data/ready\nsync"],
    }],
    containers: [
      {
        name: "server",
        image: "dir:/srv/web",
        ports: [{ containerPort: 80, name: "http", hostPort: 8080 }, { containerPort: 53, protocol: "UDP" }],
        resources: { limits: { memory: "128Mi", cpu: "500m" }, requests: { cpu: "100m" } },
        livenessProbe: { httpGet: { port: "http", path: "/alive" }, periodSeconds: 5 },
        readinessProbe: { exec: { command: ["cat", "/ready"] } },
        startupProbe: { tcpSocket: { port: 80 } },
        envFrom: [{ configMapRef: { name: "settings" }, prefix: "CFG_" }, {
          secretRef: { name: "keys", optional: true },
        }],
        env: [
          { name: "MODE", value: "fast" },
          { name: "KEY", valueFrom: { secretKeyRef: { name: "keys", key: "main" } } },
          {
            name: "LEVEL",
            valueFrom: { configMapKeyRef: { name: "settings", key: "level", optional: true } },
          },
          { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          {
            name: "MEMORY",
            valueFrom: { resourceFieldRef: { resource: "limits.memory", containerName: "server" } },
          },
        ],
        volumeMounts: [
          { name: "work", mountPath: "/data" },
          { name: "settings", mountPath: "/etc/settings", readOnly: true, subPath: "web" },
        ],
      },
      { name: "logger", image: "host" },
    ],
    volumes: [
      { name: "work", emptyDir: { medium: "Memory", sizeLimit: "64Mi" } },
      { name: "settings", configMap: { name: "settings", optional: true } },
      { name: "keys", secret: { secretName: "keys" } },
      { name: "host", hostPath: { path: "/srv", type: "Directory" } },
      {
        name: "all",
        projected: { sources: [{ configMap: { name: "settings" } }, { secret: { name: "keys" } }] },
      },
    ],
  },
  status: {
    phase: "Running",
    startTime: ago(90),
    podIP: "10.0.0.2",
    podIPs: [{ ip: "10.0.0.2" }, { ip: "fd00::2" }],
    hostIP: "192.0.2.1",
    qosClass: "Burstable",
    conditions: [
      { type: "PodReadyToStartContainers", status: "True" },
      { type: "Ready", status: "False", reason: "ContainersNotReady" },
    ],
    initContainerStatuses: [status("prepare", ended(0, "Completed", 80), { ready: true })],
    containerStatuses: [
      status("logger", { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } }, {
        restartCount: 2,
        lastState: {
          terminated: {
            exitCode: 137,
            reason: "OOMKilled",
            signal: 9,
            message: "out of\nroom",
            finishedAt: ago(9),
          },
        },
      }),
      status("server", running, { containerID: "seedpod://6f1d-server-0" }),
    ],
  },
};

Deno.test("renderPodDescription() shows all of a pod in the style of kubectl", () => {
  assertGolden("describe_pod", renderPodDescription(POD));
});

Deno.test("renderPodDescription() shows a pod of which little is known", () => {
  assertGolden("describe_bare_pod", renderPodDescription(podOf("bare", "Pending", [], { deleted: true })));
});

Deno.test("renderPodDescription() lets nothing of a pod move the cursor", () => {
  const pod = podOf("web", "Failed", [], { status: { message: "\x1b[2Jgone\r" } });
  const text = renderPodDescription(pod);
  assert.ok(text.includes("\\x1b[2Jgone") && !text.includes("\x1b") && !text.includes("\r"));
});

Deno.test("renderJson() sorts keys as kubectl does", () => {
  assertGolden("pod_json", renderJson(POD));
});

Deno.test("renderYaml() sorts keys as kubectl does", async () => {
  assertGolden("pod_yaml", await renderYaml(POD));
});

Deno.test("renderYaml() writes what reads back as the same strings", async () => {
  const words = [
    "yes",
    "on",
    "1e3",
    "0o17",
    "017",
    "12:30",
    "~",
    "",
    "null",
    "1_000",
    "2026-01-01",
    "a: b",
    "# c",
    "=",
    "x\ny\n",
  ];
  const data = Object.fromEntries(words.map((word, index) => [`k${index}`, word]));
  const text = await renderYaml({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "words" }, data });
  const { objects, diagnostics } = parseManifests([{ file: "words.yaml", text }]);
  assert.deepEqual(diagnostics, []);
  const [read] = objects;
  assert.ok(read?.kind === "ConfigMap");
  assert.deepEqual({ ...read.object.data }, data);
});
