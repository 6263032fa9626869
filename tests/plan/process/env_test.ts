import assert from "node:assert/strict";
import type { EnvVarSource } from "../../../schema/kubernetes/mod.ts";
import { configMaps, envOf, errorOf, type Given, secrets } from "./_input.ts";

const ENV: [title: string, given: Given, variables: Record<string, string | undefined>][] = [
  ["HOSTNAME, PATH and HOME of a plain pod", {}, {
    HOSTNAME: "web",
    HOME: "/",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    TERM: undefined,
  }],
  ["TERM with a terminal", { container: { tty: true } }, { TERM: "xterm" }],
  ["the manifest's TERM with a terminal", {
    container: { tty: true, env: [{ name: "TERM", value: "vt100" }] },
  }, {
    TERM: "vt100",
  }],
  ["the machine's name under hostNetwork", { spec: { hostNetwork: true } }, { HOSTNAME: "machine" }],
  ["spec.hostname", { spec: { hostname: "db" } }, { HOSTNAME: "db" }],
  [
    "the whole name under setHostnameAsFQDN",
    { spec: { subdomain: "sub", setHostnameAsFQDN: true } },
    { HOSTNAME: "web.sub.default.svc.cluster.local" },
  ],
  [
    "the manifest before the image before the defaults",
    {
      imageConfig: { env: ["PATH=/image", "HOSTNAME=image", "A=image", "B=image=2", "junk", "=junk"] },
      container: { env: [{ name: "A", value: "manifest" }, { name: "HOME", value: "/there" }] },
    },
    { PATH: "/image", HOSTNAME: "image", A: "manifest", B: "image=2", HOME: "/there", junk: undefined },
  ],
  [
    "values over what stands before, of the manifest alone",
    {
      imageConfig: { env: ["IMAGE=1"] },
      container: {
        env: [
          { name: "EARLY", value: "$(LATE)" },
          { name: "LATE", value: "late" },
          { name: "URL", value: "$(LATE)/$$(LATE)/$(UNKNOWN)/$(IMAGE)/$(HOSTNAME)" },
          { name: "AGAIN", value: "$(EARLY)" },
          { name: "LATE", value: "$(LATE)r" },
        ],
      },
    },
    {
      EARLY: "$(LATE)",
      URL: "late/$(LATE)/$(UNKNOWN)/$(IMAGE)/$(HOSTNAME)",
      AGAIN: "$(LATE)",
      LATE: "later",
    },
  ],
  [
    "envFrom first, with prefixes, the later source wins, then env, which may refer to it",
    {
      configMaps: configMaps({ one: { A: "one", B: "one $(A)" }, two: { A: "two", "a.b-c": "relaxed" } }),
      secrets: secrets({ three: { S: "geheim\n" } }),
      container: {
        envFrom: [
          { configMapRef: { name: "one" } },
          { configMapRef: { name: "two" } },
          { prefix: "P_", secretRef: { name: "three" } },
          { configMapRef: { name: "none", optional: true } },
        ],
        env: [{ name: "B", value: "[$(A)$(P_S)]" }],
      },
    },
    { A: "two", "a.b-c": "relaxed", P_S: "geheim\n", S: undefined, B: "[twogeheim\n]" },
  ],
  [
    "references to keys; an optional one that is missing stays unset",
    {
      configMaps: configMaps({ settings: { level: "$(HOME)", empty: "" } }),
      secrets: secrets({ login: { password: "\ufeffpässword" } }),
      container: {
        env: [
          { name: "LEVEL", valueFrom: { configMapKeyRef: { name: "settings", key: "level" } } },
          { name: "EMPTY", valueFrom: { configMapKeyRef: { name: "settings", key: "empty" } } },
          { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "login", key: "password" } } },
          { name: "NO_KEY", valueFrom: { secretKeyRef: { name: "login", key: "user", optional: true } } },
          { name: "NO_MAP", valueFrom: { configMapKeyRef: { name: "no", key: "x", optional: true } } },
          { name: "SHOWN", value: "$(NO_KEY)" },
        ],
      },
    },
    {
      LEVEL: "$(HOME)",
      EMPTY: "",
      PASSWORD: "\ufeffpässword",
      NO_KEY: undefined,
      NO_MAP: undefined,
      SHOWN: "$(NO_KEY)",
    },
  ],
];

for (const [title, given, variables] of ENV) {
  Deno.test(`resolveProcess() sets ${title}`, () => {
    const env = envOf(given);
    for (const [name, value] of Object.entries(variables)) assert.equal(env[name], value, name);
  });
}

const POD: Given = {
  metadata: { labels: { "app.kubernetes.io/name": "shop" }, annotations: { note: "a b" } },
};

const FIELDS: [fieldPath: string, value: string][] = [
  ["metadata.name", "web"],
  ["metadata.namespace", "default"],
  ["metadata.uid", "1234"],
  ["metadata.labels['app.kubernetes.io/name']", "shop"],
  ["metadata.labels['constructor']", ""],
  ["metadata.annotations['note']", "a b"],
  ["metadata.annotations['none']", ""],
  ["spec.nodeName", "node-1"],
  ["spec.serviceAccountName", "default"],
  ["status.hostIP", "192.0.2.1"],
  ["status.hostIPs", "192.0.2.1,2001:db8::1"],
  ["status.podIP", "10.0.0.7"],
  ["status.podIPs", "10.0.0.7,fd00::7"],
];

function valueFrom(given: Given, source: EnvVarSource): string | undefined {
  return envOf({ ...given, container: { ...given.container, env: [{ name: "X", valueFrom: source }] } }).X;
}

for (const [fieldPath, value] of FIELDS) {
  Deno.test(`resolveProcess() shows ${fieldPath} in a variable`, () => {
    assert.equal(valueFrom(POD, { fieldRef: { fieldPath } }), value);
  });
}

Deno.test("resolveProcess() shows no address of a pod that has none", () => {
  assert.equal(valueFrom({ podIPs: [] }, { fieldRef: { fieldPath: "status.podIP" } }), "");
  assert.equal(valueFrom({ hostIPs: [] }, { fieldRef: { fieldPath: "status.hostIP" } }), "");
});

const LIMITED: Given = {
  container: {
    resources: {
      requests: { cpu: "250m", memory: "64Mi" },
      limits: { cpu: "1500m", memory: "100M", "hugepages-2Mi": "4Mi" },
    },
  },
};
const POD_LIMITED: Given = { spec: { resources: { limits: { cpu: "3", memory: "1Gi" } } } };

const RESOURCES: [given: Given, resource: string, divisor: string | undefined, value: string][] = [
  [LIMITED, "limits.cpu", undefined, "2"],
  [LIMITED, "limits.cpu", "0", "2"],
  [LIMITED, "limits.cpu", "1m", "1500"],
  [LIMITED, "requests.cpu", "1", "1"],
  [LIMITED, "requests.cpu", "1m", "250"],
  [LIMITED, "limits.memory", "1Mi", "96"],
  [LIMITED, "limits.memory", "1M", "100"],
  [LIMITED, "requests.memory", undefined, "67108864"],
  [LIMITED, "limits.hugepages-2Mi", "1Mi", "4"],
  [LIMITED, "requests.hugepages-2Mi", "1Mi", "4"],
  [LIMITED, "limits.ephemeral-storage", "1Gi", "64"],
  [{}, "limits.cpu", undefined, "4"],
  [{}, "limits.memory", "1Gi", "8"],
  [{}, "limits.hugepages-2Mi", undefined, "0"],
  [{}, "requests.memory", undefined, "0"],
  [POD_LIMITED, "limits.cpu", undefined, "3"],
  [POD_LIMITED, "limits.memory", "1Mi", "1024"],
  [POD_LIMITED, "limits.ephemeral-storage", "1Gi", "64"],
];

for (const [given, resource, divisor, value] of RESOURCES) {
  const where = given === LIMITED ? "a limited" : given === POD_LIMITED ? "a limited pod's" : "an unlimited";
  Deno.test(`resolveProcess() shows ${resource} of ${where} container divided by ${divisor}: ${value}`, () => {
    const selector = { resource, ...(divisor === undefined ? {} : { divisor }) };
    assert.equal(valueFrom(given, { resourceFieldRef: selector }), value);
  });
}

Deno.test("resolveProcess() shows the resources of another container of the pod", () => {
  const spec = {
    containers: [{ name: "main" }],
    initContainers: [{ name: "other", resources: { limits: { cpu: "2" } } }],
  };
  const resourceFieldRef = { containerName: "other", resource: "limits.cpu" };
  assert.equal(valueFrom({ spec }, { resourceFieldRef }), "2");
});

function variable(valueFrom: EnvVarSource): Given {
  return {
    configMaps: configMaps({ settings: { toString2: "x" } }),
    secrets: new Map([
      ["binary", { apiVersion: "v1", kind: "Secret", data: { raw: "/w==", nul: "AA==", no: "*" } }],
    ]),
    container: { env: [{ name: "X", valueFrom }] },
  };
}

const REFUSED: [given: Given, state: string][] = [
  [
    variable({ configMapKeyRef: { name: "none", key: "a" } }),
    'env "X": there is no ConfigMap "none" in namespace "default"',
  ],
  [
    variable({ configMapKeyRef: { name: "settings", key: "toString" } }),
    'env "X": the ConfigMap "settings" in namespace "default" has no text "toString"',
  ],
  [
    variable({ secretKeyRef: { name: "none", key: "a" } }),
    'env "X": there is no Secret "none" in namespace "default"',
  ],
  [
    variable({ secretKeyRef: { name: "binary", key: "raw" } }),
    'env "X": the key "raw" of the Secret "binary" is no UTF-8 text',
  ],
  [
    variable({ secretKeyRef: { name: "binary", key: "no" } }),
    'env "X": the key "no" of the Secret "binary" is no UTF-8 text',
  ],
  [
    variable({ secretKeyRef: { name: "binary", key: "nul" } }),
    'env "X": it holds a NUL character, which no process can be given',
  ],
  [
    variable({ resourceFieldRef: { containerName: "none", resource: "limits.cpu" } }),
    'env "X": "limits.cpu" is nothing that a variable can show',
  ],
  [variable({ fieldRef: { fieldPath: "spec" } }), 'env "X": "spec" is nothing that a variable can show'],
  [variable({ fileKeyRef: { key: "a", path: "b", volumeName: "c" } }), 'env "X": "fileKeyRef" is nothing'],
  [
    { container: { envFrom: [{ secretRef: { name: "none" } }] } },
    'envFrom[0]: there is no Secret "none" in namespace "default"',
  ],
  [
    { imageConfig: { env: ["A=b\0c"] } },
    'env "A": it holds a NUL character, which no process can be given',
  ],
  [
    { container: { env: [{ name: "X", value: "x".repeat(131_070) }] } },
    'env "X": it is longer than 131071 bytes, the most that Linux gives a process in one text',
  ],
];

for (const [given, state] of REFUSED) {
  Deno.test(`resolveProcess() refuses ${state}`, () => {
    assert.ok(errorOf(given).startsWith(`Cannot start container "main": ${state}`), errorOf(given));
  });
}

Deno.test("resolveProcess() tells all problems at once, and counts those beyond ten", () => {
  const refs = Array.from({ length: 12 }, (_, index) => ({ configMapRef: { name: `map-${index}` } }));
  const message = errorOf({ container: { envFrom: refs, workingDir: "tmp" } });
  assert.match(message, /envFrom\[0\]: .*; envFrom\[9\]: .* in namespace "default"; and 3 more$/);
});

Deno.test("resolveProcess() stops a bomb of variables that double each other", () => {
  const text = "$(A0)".repeat(26_000);
  const many = Array.from({ length: 1000 }, (_, index) => ({ name: `B${index}`, value: "$(A0)" }));
  const bomb = { env: [{ name: "A0", value: "x".repeat(100_000) }, ...many] };
  assert.match(errorOf({ container: bomb }), /env: it is longer than 6291456 bytes/);
  assert.match(
    errorOf({ container: { ...bomb, env: bomb.env.slice(0, 1), args: [text] } }),
    /args\[0\]: it is longer/,
  );
});
