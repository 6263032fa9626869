import assert from "node:assert/strict";
import { capabilitiesIn, capabilityMask, DEFAULT_CAPABILITIES } from "../../../runner/plan/hardening/mod.ts";
import { expandVolumeMounts, resolveProcess } from "../../../runner/plan/process/mod.ts";
import { errorOf, type Given, inputOf, secrets } from "./_input.ts";

const resolve = (given: Given) => resolveProcess(inputOf(given));

// the table of "Define a Command and Arguments for a Container"
const IMAGE = { entrypoint: ["/ep-1"], cmd: ["foo", "bar"] };
const COMMANDS: [title: string, given: Given, argv: string[]][] = [
  ["the image's alone", { imageConfig: IMAGE }, ["/ep-1", "foo", "bar"]],
  ["command alone", { imageConfig: IMAGE, container: { command: ["/ep-2"] } }, ["/ep-2"]],
  ["args alone", { imageConfig: IMAGE, container: { args: ["zoo", "boo"] } }, ["/ep-1", "zoo", "boo"]],
  ["both", { imageConfig: IMAGE, container: { command: ["/ep-2"], args: ["zoo"] } }, ["/ep-2", "zoo"]],
  ["empty lists", { imageConfig: IMAGE, container: { command: [], args: [] } }, ["/ep-1", "foo", "bar"]],
  ["a rootfs that is no image", {}, ["/bin/sh"]],
  ["args of a rootfs that is no image", { container: { args: ["ls", "/"] } }, ["ls", "/"]],
  [
    "references to the manifest's variables, not to the image's, nor inside the image's own words",
    {
      imageConfig: { entrypoint: ["$(A)"], env: ["IMAGE=1"] },
      secrets: secrets({ s: { KEY: "secret $(A)" } }),
      container: {
        args: ["$(A)", "$(KEY)", "$(IMAGE)", "$$(A)", "$(NONE)", ""],
        env: [{ name: "A", value: "a" }],
        envFrom: [{ secretRef: { name: "s" } }],
      },
    },
    ["$(A)", "a", "secret $(A)", "$(IMAGE)", "$(A)", "$(NONE)", ""],
  ],
];

for (const [title, given, argv] of COMMANDS) {
  Deno.test(`resolveProcess() runs the command of ${title}`, () => {
    assert.deepEqual(resolve(given).process.argv, argv);
  });
}

const DIRECTORIES: [given: Given, directory: string][] = [
  [{}, "/"],
  [{ imageConfig: { workingDir: "" } }, "/"],
  [{ imageConfig: { workingDir: "/srv" } }, "/srv"],
  [{ imageConfig: { workingDir: "/srv" }, container: { workingDir: "" } }, "/srv"],
  [{ imageConfig: { workingDir: "/srv" }, container: { workingDir: "/own" } }, "/own"],
];

Deno.test("resolveProcess() starts in the container's, else the image's directory, else in /", () => {
  for (const [given, directory] of DIRECTORIES) assert.equal(resolve(given).workingDirectory, directory);
});

function security(securityContext: NonNullable<Given["container"]>["securityContext"] & object): Given {
  return { container: { securityContext } };
}

Deno.test("resolveProcess() forbids new privileges only where allowPrivilegeEscalation is false", () => {
  assert.equal(resolve({}).process.noNewPrivileges, false);
  assert.equal(resolve(security({ allowPrivilegeEscalation: true })).process.noNewPrivileges, false);
  assert.equal(resolve(security({ allowPrivilegeEscalation: false })).process.noNewPrivileges, true);
  assert.equal(resolve(security({ privileged: true })).process.noNewPrivileges, false);
});

Deno.test("resolveProcess() gives the default capabilities, and what is added and dropped", () => {
  assert.deepEqual(capabilitiesIn(resolve({}).process.capabilities.effective), new Set(DEFAULT_CAPABILITIES));
  const given = security({ capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] } });
  assert.deepEqual(capabilitiesIn(resolve(given).process.capabilities.bounding), new Set(["CAP_NET_ADMIN"]));
});

Deno.test("resolveProcess() gives a pod with a user namespace capabilities that the daemon itself lacks", () => {
  const boundingSet = capabilityMask(DEFAULT_CAPABILITIES);
  const given = { boundingSet, ...security({ capabilities: { add: ["SYS_RESOURCE"] } }) };
  assert.match(errorOf(given), /securityContext.capabilities: cannot add capability "CAP_SYS_RESOURCE"/);
  const sets = resolve({ ...given, userNamespaceIds: 65536 }).process.capabilities;
  assert.ok(capabilitiesIn(sets.effective).has("CAP_SYS_RESOURCE"));
});

const PROFILE = '{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}';
const localhost = { type: "Localhost", localhostProfile: "audit.json" } as const;

Deno.test("resolveProcess() installs the default seccomp filter, compiled once", () => {
  const first = resolve({}).process;
  assert.ok(first.seccomp!.length > 800);
  assert.equal(first.seccompFlags, 0);
  assert.equal(resolve({}).process.seccomp, first.seccomp);
  const own = resolve(security({ seccompProfile: { type: "RuntimeDefault" } })).process;
  assert.equal(own.seccomp, first.seccomp);
  const others = resolve(security({ capabilities: { add: ["SYS_ADMIN"] } })).process;
  assert.notDeepEqual(others.seccomp, first.seccomp);
});

Deno.test("resolveProcess() takes the container's seccomp profile before the pod's", () => {
  const spec = { securityContext: { seccompProfile: { type: "Unconfined" } } } as const;
  assert.equal(resolve({ spec }).process.seccomp, undefined);
  const own = { ...security({ seccompProfile: { type: "RuntimeDefault" } }), spec };
  assert.ok(resolve(own).process.seccomp);
});

Deno.test("resolveProcess() leaves privileged containers without a seccomp filter, whatever they ask for", () => {
  const given = security({ privileged: true, seccompProfile: localhost });
  assert.equal(resolve(given).process.seccomp, undefined);
});

Deno.test("resolveProcess() compiles the text of a Localhost profile, and another text anew", () => {
  const given = security({ seccompProfile: localhost });
  const process =
    resolve({ ...given, localhostProfile: (name) => name === "audit.json" ? PROFILE : undefined }).process;
  assert.equal(process.seccompFlags, 2);
  const changed = resolve({ ...given, localhostProfile: () => PROFILE.replace("ALLOW", "LOG") }).process;
  assert.notDeepEqual(changed.seccomp, process.seccomp);
});

const REFUSED: [title: string, given: Given, message: RegExp][] = [
  [
    "no command at all",
    { imageConfig: { cmd: [] } },
    /command: neither the manifest nor the image names one$/,
  ],
  ["an empty command", { container: { command: [""] } }, /command: it is empty$/],
  ["a relative directory", { container: { workingDir: "srv" } }, /workingDir: "srv" is not absolute$/],
  ["an image's relative directory", { imageConfig: { workingDir: "srv" } }, /"srv" is not absolute$/],
  ["a NUL in the image's command", { imageConfig: { cmd: ["a\0b"] } }, /image command: it holds a NUL/],
  [
    "an unknown capability",
    security({ capabilities: { drop: ["NET_RAWW"] } }),
    /securityContext.capabilities: cannot drop capability "NET_RAWW": there is no such capability$/,
  ],
  [
    "a missing profile",
    security({ seccompProfile: localhost }),
    /securityContext.seccompProfile: there is no seccomp profile "audit.json" on this machine$/,
  ],
  [
    "a profile without a name",
    {
      ...security({ seccompProfile: { type: "Localhost", localhostProfile: "" } }),
      localhostProfile: () => PROFILE,
    },
    /there is no seccomp profile "" on this machine$/,
  ],
  [
    "the pod's bad profile",
    { spec: { securityContext: { seccompProfile: localhost } }, localhostProfile: () => "{" },
    / spec.securityContext.seccompProfile: cannot read seccomp profile: /,
  ],
  [
    "an empty profile",
    { ...security({ seccompProfile: localhost }), localhostProfile: () => "" },
    /securityContext.seccompProfile: cannot read seccomp profile: /,
  ],
  [
    "an unknown type of profile",
    security({ seccompProfile: JSON.parse('{"type": "Loose"}') }),
    /securityContext.seccompProfile: "Loose" is no type of seccomp profile$/,
  ],
];

for (const [title, given, message] of REFUSED) {
  Deno.test(`resolveProcess() refuses ${title}`, () => assert.match(errorOf(given), message));
}

function mountsOf(subPathExpr: string) {
  const env = new Map([["POD", "web-0"], ["UP", "../.."], ["ROOT", "/etc"], ["EMPTY", ""]]);
  return expandVolumeMounts({
    name: "main",
    volumeMounts: [
      { name: "plain", mountPath: "/a", subPath: "$(POD)" },
      { name: "data", mountPath: "/b", subPathExpr, readOnly: true },
    ],
  }, env);
}

Deno.test("expandVolumeMounts() makes a subPath of each subPathExpr, and leaves subPath alone", () => {
  assert.deepEqual(mountsOf("logs/$(POD)/..$$(POD)"), [
    { name: "plain", mountPath: "/a", subPath: "$(POD)" },
    { name: "data", mountPath: "/b", readOnly: true, subPath: "logs/web-0/..$(POD)" },
  ]);
});

const SUB_PATHS: [expression: string, state: string][] = [
  ["$(NONE)/$(EMPTY)", 'there is no value for "NONE", "EMPTY"'],
  ["a/$(UP)", '"a/../.." leads out of the volume'],
  ["$(ROOT)", '"/etc" is not relative to the volume'],
];

for (const [expression, state] of SUB_PATHS) {
  Deno.test(`expandVolumeMounts() refuses ${expression}`, () => {
    assert.throws(() => mountsOf(expression), {
      message: `Cannot start container "main": volumeMounts[1].subPathExpr: ${state}`,
      fault: "user",
    });
  });
}

Deno.test("resolveProcess() expands subPathExpr with the manifest's variables", () => {
  const container = {
    env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
    volumeMounts: [{ name: "data", mountPath: "/b", subPathExpr: "$(POD)" }],
  };
  assert.deepEqual(resolve({ container }).volumeMounts, [{ name: "data", mountPath: "/b", subPath: "web" }]);
});
