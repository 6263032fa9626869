import assert from "node:assert/strict";
import {
  hasErrors,
  MAX_FILE_BYTES,
  parseManifests,
  type Pod,
  renderDiagnostic,
  type Secret,
} from "../../schema/mod.ts";

const parse = (text: string | Uint8Array, file = "a.yaml") => parseManifests([{ file, text }]);

function parsePod(spec: string): Pod {
  const { objects, diagnostics } = parse(`apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n${spec}`);
  assert.deepEqual(diagnostics.map((diagnostic) => renderDiagnostic(diagnostic)), []);
  assert.ok(objects[0]?.kind === "Pod");
  return objects[0].object;
}

Deno.test("parseManifests() completes a pod with Kubernetes' defaults", () => {
  const pod = parsePod(`  containers:
  - {name: web, image: host, resources: {limits: {memory: 1Gi, cpu: 1}, requests: {cpu: 250m}}}
  volumes:
  - {name: empty}
  - {name: none, emptyDir: null}
  - {name: files, configMap: {name: files, optional: true}}
  - {name: log, hostPath: {path: /var/log}}
`);
  assert.deepEqual(pod.metadata, { name: "web", namespace: "default" });
  assert.equal(pod.spec?.restartPolicy, "Always");
  assert.equal(pod.spec?.terminationGracePeriodSeconds, 30);
  assert.deepEqual(pod.spec?.securityContext, {});
  assert.deepEqual(pod.spec?.containers[0]?.resources?.requests, { memory: "1Gi", cpu: "250m" });
  assert.equal(pod.spec?.containers[0]?.terminationMessagePath, "/dev/termination-log");
  assert.equal(pod.spec?.containers[0]?.imagePullPolicy, "IfNotPresent");
  assert.deepEqual(pod.spec?.volumes, [
    { name: "empty", emptyDir: {} },
    { name: "none", emptyDir: {} },
    { name: "files", configMap: { name: "files", optional: true, defaultMode: 0o644 } },
    { name: "log", hostPath: { path: "/var/log", type: "" } },
  ]);
});

Deno.test("parseManifests() completes pod-level requests from the containers, then from the limits", () => {
  const pod = parsePod(`  resources: {limits: {cpu: 2, memory: 1Gi}}
  initContainers:
  - {name: side, image: host, restartPolicy: Always, resources: {requests: {cpu: 100m}}}
  - {name: early, image: host, resources: {requests: {cpu: 900m}}}
  containers:
  - {name: web, image: host, resources: {requests: {cpu: 250m}}}
`);
  assert.deepEqual(pod.spec?.resources?.requests, { cpu: "1", memory: "1Gi" });
});

Deno.test("parseManifests() gives hostNetwork ports their hostPort, and ports their protocol", () => {
  const pod = parsePod(`  hostNetwork: true
  containers:
  - {name: web, image: host, ports: [{containerPort: 80}]}
`);
  assert.deepEqual(pod.spec?.containers[0]?.ports, [{ containerPort: 80, hostPort: 80, protocol: "TCP" }]);
});

Deno.test("parseManifests() merges a Secret's stringData into its data and still locates it", () => {
  const { objects, diagnostics } = parse(`apiVersion: v1
kind: Secret
metadata: {name: login}
data: {user: YWRtaW4=, password: YQ==}
stringData:
  password: geheim
  __proto__: x
`);
  assert.deepEqual(diagnostics, []);
  const secret = objects[0]!.object as Secret;
  assert.deepEqual(Object.entries(secret.data!), [["user", "YWRtaW4="], ["password", "Z2VoZWlt"], [
    "__proto__",
    "eA==",
  ]]);
  assert.equal(secret.stringData, undefined);
  assert.equal(secret.type, "Opaque");
  assert.equal(objects[0]!.locate(["data", "password"]).line, 6);
});

Deno.test("locate() answers the place of a field, and of the nearest ancestor of a default", () => {
  const { objects } = parse(`apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: web}
  spec:
    containers:
    - name: web
      image: host
`);
  const pod = objects[0]!;
  assert.deepEqual(pod.locate(["spec", "containers", 0, "image"]), { file: "a.yaml", line: 10, column: 14 });
  assert.deepEqual(pod.locate(["spec", "containers", 0, "imagePullPolicy"]), {
    file: "a.yaml",
    line: 9,
    column: 7,
  });
  assert.deepEqual(pod.locate(["spec", "restartPolicy"]), { file: "a.yaml", line: 7, column: 3 });
});

Deno.test("parseManifests() reads JSON, one value after the other", () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "a", image: "host" }] },
  };
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "\t/\u2028" } };
  const text = `${JSON.stringify(pod, null, "\t")}${JSON.stringify(config).replace("/", "\\/")}\n`;
  const { objects, diagnostics } = parse(text, "a.json");
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(objects.map(({ kind, document }) => [kind, document]), [["Pod", 0], ["ConfigMap", 1]]);
  assert.deepEqual((objects[1]!.object as { data: unknown }).data, { a: "\t/\u2028" });
});

Deno.test("parseManifests() refuses a second object of one name across files, and shows both places", () => {
  const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
  const { diagnostics } = parseManifests([{ file: "1.yaml", text }, { file: "2.yaml", text: `\n${text}` }]);
  assert.equal(diagnostics.length, 1);
  assert.equal(diagnostics[0]!.file, "2.yaml");
  assert.equal(diagnostics[0]!.line, 4);
  assert.deepEqual([diagnostics[0]!.related?.file, diagnostics[0]!.related?.line], ["1.yaml", 3]);
});

Deno.test("parseManifests() finds a reference in another file, and says nothing of a reference to a faulty object", () => {
  const pod = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: web, image: host, envFrom: [{configMapRef: {name: a}}]}
`;
  const config = (field: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n${field}: {k: v}\n`;
  const messages = (text: string) =>
    parseManifests([{ file: "pod.yaml", text: pod }, { file: "a.yaml", text }]).diagnostics.map((
      { message },
    ) => message);
  assert.deepEqual(messages(config("data")), []);
  assert.deepEqual(messages(config("daat")), ['unknown field "daat" in ConfigMap']);
  assert.deepEqual(messages(config("data") + "data: {}\n"), ['the key "data" is given twice']);
  assert.deepEqual(messages("# empty\n"), ['no ConfigMap "a" in the files given']);
});

Deno.test("parseManifests() takes what kubectl writes, and leaves the server's part out", () => {
  const { objects, diagnostics } = parse(Deno.readFileSync(new URL("./kubectl_get.yaml", import.meta.url)));
  assert.ok(!hasErrors(diagnostics));
  assert.deepEqual(diagnostics.map(({ line, severity }) => [line, severity]), [[22, "warning"], [
    45,
    "warning",
  ], [60, "warning"]]);
  const pod = objects[0]!.object as Pod;
  assert.equal(pod.status, undefined);
  assert.deepEqual(Object.keys(pod.metadata!).toSorted(), [
    "annotations",
    "generateName",
    "labels",
    "name",
    "namespace",
  ]);
  assert.deepEqual(pod.spec?.volumes, []);
  assert.deepEqual(pod.spec?.containers[0]?.volumeMounts, []);
});

Deno.test("parseManifests() refuses a file over the limit without reading it", () => {
  const { objects, diagnostics } = parse(new Uint8Array(MAX_FILE_BYTES + 1));
  assert.deepEqual(objects, []);
  assert.deepEqual(diagnostics.map(({ message }) => message), [
    "the file has more than the 4 MiB that a manifest may have",
  ]);
});

Deno.test("parseManifests() stops an alias bomb where it passes the limit, not after writing it out", () => {
  const levels = Array.from(
    { length: 60 },
    (_, level) => `  l${level}: &l${level} [${level ? `*l${level - 1},*l${level - 1}` : "x"}]`,
  );
  const { diagnostics } = parse(`apiVersion: v1\nkind: ConfigMap\ndata:\n${levels.join("\n")}\n`);
  assert.deepEqual(diagnostics.map(({ message }) => message), [
    "the document's aliases expand to too many nodes",
  ]);
  assert.ok(diagnostics[0]!.line < 25);
});

Deno.test("parseManifests() takes flow collections at any indentation, but never changes a text for it", () => {
  const { objects, diagnostics } = parse(`apiVersion: v1
kind: ConfigMap
metadata: { # the name
name: a
}
data: {
  "b": "c", # what c is
  d: "e # f"
}
`);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual((objects[0]!.object as { data: unknown }).data, { b: "c", d: "e # f" });
  assert.equal(parse('metadata:\n  name: "a\n# b\n c"\n').diagnostics.length, 1);
});

Deno.test("parseManifests() keeps integers beyond 2^53 exact enough to refuse them", () => {
  const { diagnostics } = parse(
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {activeDeadlineSeconds: 9007199254740993, containers: []}\n",
  );
  assert.deepEqual(diagnostics.map(({ message }) => message), [
    'the number is out of range for "activeDeadlineSeconds"',
  ]);
});

Deno.test("parseManifests() refuses what would take long to check, and hostile paths cost it nothing", () => {
  const pod = (spec: unknown) =>
    JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec });
  const messages = (spec: unknown) => parse(pod(spec)).diagnostics.map(({ message }) => message);
  const containers = Array.from({ length: 6000 }, (_, index) => ({ name: `c${index}`, imagee: "host" }));
  assert.deepEqual(messages({ containers }), ["a list has at most 5000 items, not 6000"]);
  const volumes = Array.from({ length: 1001 }, (_, index) => ({ name: `v${index}` }));
  const container = {
    name: "a",
    image: "host",
    volumeMounts: [{ name: "v", mountPath: `${"//.".repeat(100_000)}/x` }],
  };
  assert.deepEqual(messages({ containers: [container], volumes }), [
    "a pod has at most 1000 volumes, not 1001",
  ]);
  assert.deepEqual(messages({ containers: [container], volumes: [{ name: "v" }] }), []);
});

Deno.test("parseManifests() checks the rules behind a misspelt field as if it were spelt right", () => {
  const { diagnostics } = parse(`apiVersion: v1
kind: Pod
metadata: {name: Web}
spec:
  restartPolicy: Alwys
  containers: [{name: a, imagee: host, volumeMounts: [{name: v, mountPath: /v}]}]
  volumess: [{name: v}]
`);
  assert.deepEqual(diagnostics.map(({ line, message }) => [line, message.slice(0, 22)]), [
    [3, 'the name "Web" must be'],
    [5, '"Alwys" is not a value'],
    [6, 'unknown field "imagee"'],
    [7, 'unknown field "volumes'],
  ]);
});
