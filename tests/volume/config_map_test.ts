import assert from "node:assert/strict";
import type { ConfigMap, Secret, Volume } from "../../schema/mod.ts";
import { ProgramBuilder } from "../../runner/plan/mod.ts";
import { addVolumes, configMapPayload, secretPayload, type VolumesRequest } from "../../runner/volume/mod.ts";
import { MadeVolumes, modeOf, podOf, requestOf, statfs, withScratch } from "../support/volume_harness.ts";

const CONFIG: ConfigMap = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "web" },
  data: { "app.conf": "listen 80\n", empty: "", long: "ü".repeat(300_000) },
  binaryData: { blob: "AAH/" },
};
const SECRET: Secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "key" },
  data: { token: "c2VzYW1l" },
};
const VERSION = "..2026_11_23_18_18_19.345";

function request(scratch: string, volume: Volume, fsGroup?: number): VolumesRequest {
  const pod = podOf([volume], fsGroup === undefined ? {} : { securityContext: { fsGroup } });
  return requestOf(scratch, pod, {
    configMaps: new Map([["web", CONFIG]]),
    secrets: new Map([["key", SECRET]]),
  });
}

/** Path -> mode, and target or size, of all that is in a directory. */
function treeOf(path: string, prefix = ""): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const { name, isDirectory, isSymlink } of Deno.readDirSync(path)) {
    const what = isSymlink ? `-> ${Deno.readLinkSync(path + name)}` : modeOf(path + name);
    entries[prefix + name] = what;
    if (isDirectory) Object.assign(entries, treeOf(`${path}${name}/`, `${prefix}${name}/`));
  }
  return entries;
}

Deno.test("addVolumes() lays a configMap out as kubelet does", async () => {
  await withScratch((scratch) => {
    using volumes = new MadeVolumes(request(scratch, { name: "etc", configMap: { name: "web" } }));
    assert.deepEqual(treeOf(volumes.path("etc")), {
      "..data": `-> ${VERSION}`,
      [VERSION]: "40755 0:0",
      ...Object.fromEntries(
        ["app.conf", "empty", "long", "blob"].flatMap((key) => [
          [key, `-> ..data/${key}`],
          [`${VERSION}/${key}`, "100644 0:0"],
        ]),
      ),
    });
    assert.equal(Deno.readTextFileSync(volumes.path("etc", "app.conf")), "listen 80\n");
    assert.equal(Deno.readTextFileSync(volumes.path("etc", "empty")), "");
    assert.equal(Deno.readTextFileSync(volumes.path("etc", "long")), "ü".repeat(300_000));
    assert.deepEqual([...Deno.readFileSync(volumes.path("etc", "blob"))], [0, 1, 255]);
  });
});

Deno.test("addVolumes() puts the items of a configMap where they ask to be, with their modes", async () => {
  await withScratch((scratch) => {
    const items = [
      { key: "app.conf", path: "conf.d/a/app.conf", mode: 0o600 },
      { key: "blob", path: "conf.d/blob" },
    ];
    const configMap = { name: "web", items, defaultMode: 0o444 };
    using volumes = new MadeVolumes(request(scratch, { name: "etc", configMap }));
    assert.deepEqual(treeOf(volumes.path("etc")), {
      "..data": `-> ${VERSION}`,
      "conf.d": "-> ..data/conf.d",
      [VERSION]: "40755 0:0",
      [`${VERSION}/conf.d`]: "40755 0:0",
      [`${VERSION}/conf.d/a`]: "40755 0:0",
      [`${VERSION}/conf.d/a/app.conf`]: "100600 0:0",
      [`${VERSION}/conf.d/blob`]: "100444 0:0",
    });
  });
});

Deno.test("addVolumes() makes configMaps and secrets read-only, without setuid, devices and programs", async () => {
  await withScratch((scratch) => {
    for (const source of [{ configMap: { name: "web" } }, { secret: { secretName: "key" } }]) {
      using volumes = new MadeVolumes(request(scratch, { name: "etc", ...source }));
      assert.deepEqual(statfs(volumes.path("etc")).flags, ["ro", "nosuid", "nodev", "noexec"]);
      const write = () => Deno.writeTextFileSync(volumes.path("etc", "new"), "x");
      assert.throws(write, /Read-only file system/);
    }
  });
});

Deno.test("addVolumes() lets the fsGroup read a secret, whatever its mode", async () => {
  await withScratch((scratch) => {
    const volume = { name: "keys", secret: { secretName: "key", defaultMode: 0o400 } };
    {
      using volumes = new MadeVolumes(request(scratch, volume));
      assert.equal(modeOf(volumes.path("keys", "..data/token")), "100400 0:0");
    }
    using volumes = new MadeVolumes(request(scratch, volume, 2000));
    assert.equal(modeOf(volumes.path("keys", ".")), "42777 0:2000");
    assert.equal(modeOf(volumes.path("keys", "..data/.")), "42755 0:2000");
    assert.equal(modeOf(volumes.path("keys", "..data/token")), "100440 0:2000");
    assert.equal(Deno.lstatSync(volumes.path("keys", "token")).gid, 2000);
    assert.equal(Deno.readTextFileSync(volumes.path("keys", "token")), "sesame");
  });
});

Deno.test("addVolumes() keeps what a secret holds out of the printed program, and its files out of the swap", () => {
  const builder = new ProgramBuilder();
  addVolumes(builder, request("/none", { name: "keys", secret: { secretName: "key" } }));
  const texts = builder.build().steps.flatMap(({ name, action }) =>
    "call" in action ? [name, ...action.args.map((arg) => "text" in arg ? arg.text : "")] : [name]
  ).join(" ");
  assert.match(texts, /noswap/);
  assert.match(texts, /<6 bytes>/);
  assert.doesNotMatch(texts, /sesame|c2VzYW1l/);
});

Deno.test("configMapPayload() answers nothing for an optional ConfigMap or key that is not there", () => {
  const maps = new Map([["web", CONFIG]]);
  assert.equal(configMapPayload("v", { name: "none", optional: true }, maps, "default").size, 0);
  const items = [{ key: "none", path: "none" }, { key: "empty", path: "here" }];
  const payload = configMapPayload("v", { name: "web", optional: true, items }, maps, "default");
  assert.deepEqual([...payload.keys()], ["here"]);
});

Deno.test("configMapPayload() and secretPayload() say which object or key is missing", () => {
  const maps = new Map([["web", CONFIG]]);
  assert.throws(
    () => configMapPayload("v", { name: "none" }, maps, "shop"),
    { message: 'Cannot mount volume "v": there is no ConfigMap "none" in namespace "shop"', fault: "user" },
  );
  assert.throws(
    () => configMapPayload("v", { name: "web", items: [{ key: "none", path: "a" }] }, maps, "shop"),
    { message: 'Cannot mount volume "v": the ConfigMap "web" in namespace "shop" has no key "none"' },
  );
  assert.throws(
    () => secretPayload("v", { secretName: "none" }, new Map(), "shop"),
    { message: 'Cannot mount volume "v": there is no Secret "none" in namespace "shop"' },
  );
  const broken = { ...SECRET, data: { token: "%" } };
  assert.throws(
    () => secretPayload("v", { secretName: "key" }, new Map([["key", broken]]), "shop"),
    { message: 'Cannot mount volume "v": key "token" of the Secret "key" in namespace "shop" is not base64' },
  );
});

Deno.test("configMapPayload() refuses paths that lead out of the volume or collide", () => {
  const payload = (...paths: string[]) => () =>
    configMapPayload(
      "v",
      { name: "web", items: paths.map((path) => ({ key: "empty", path })) },
      new Map([["web", CONFIG]]),
      "default",
    );
  for (
    const [path, state] of [
      ["/etc/passwd", "is not relative"],
      ["a/../../b", 'contains ".."'],
      ["..data", 'begins with ".."'],
      ["./..data/x", 'begins with ".."'],
      [".", "names no file"],
      ["", "names no file"],
      ["a".repeat(256), "has a name of more than 255 bytes"],
      ["a/".repeat(2047) + "a".repeat(2), "has more than 4095 bytes"],
      ["a\0b", "contains a NUL"],
    ] as const
  ) {
    assert.throws(payload(path), new RegExp(state.replaceAll(".", "\\.")), path);
  }
  assert.throws(payload("a", "a/b"), /path "a" is both a file and a directory/);
});
