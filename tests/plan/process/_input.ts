import assert from "node:assert/strict";
import type { ConfigMap, Container, ObjectMeta, PodSpec, Secret } from "../../../schema/kubernetes/mod.ts";
import { SeedpodError } from "../../../runner/base/mod.ts";
import {
  EMPTY_ROOTFS_USERS,
  type ImageConfig,
  NO_IMAGE_CONFIG,
  parseGroup,
  parsePasswd,
  type ProcessInput,
  resolveProcess,
} from "../../../runner/plan/process/mod.ts";

const ALL_CAPABILITIES = (1n << 41n) - 1n;

/** What a test says of a pod; the rest is a plain pod "web" with one container "main". */
export interface Given extends Partial<Omit<ProcessInput, "container" | "imageConfig">> {
  readonly container?: Partial<Container>;
  readonly spec?: Partial<PodSpec>;
  readonly metadata?: Partial<ObjectMeta>;
  readonly imageConfig?: Partial<ImageConfig>;
  readonly userNamespaceIds?: number;
}

export function inputOf(given: Given): ProcessInput {
  const { container: ownContainer, spec, metadata, imageConfig, userNamespaceIds, ...rest } = given;
  const container = { name: "main", image: "host", ...ownContainer };
  return {
    context: {
      uid: "1234",
      pod: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "web", namespace: "default", ...metadata },
        spec: { containers: [container], ...spec },
      },
      facts: {
        arch: "x86_64",
        kernel: [6, 18],
        lastCapability: 40,
        cgroups: {
          mode: "v2",
          hierarchies: [],
          controllers: {},
          hugePageSizesBytes: [],
          memoryBytes: 2 ** 33,
          cpus: 4,
        },
        cgroupParent: "seedpod",
        hostname: "machine",
        maskedFiles: [],
        maskedDirectories: [],
        readOnlyProc: [],
        maxOpenFiles: 1024,
        hostsFile: "127.0.0.1\tlocalhost\n",
      },
      places: { run: "/run/p", lib: "/lib/p", logs: "/log/p", hidden: [] },
      userNamespace: userNamespaceIds === undefined
        ? null
        : { fd: 9, firstHostId: 100_000, count: userNamespaceIds },
    },
    container,
    from: ["spec", "containers", 0],
    configMaps: new Map(),
    secrets: new Map(),
    imageConfig: { ...NO_IMAGE_CONFIG, ...imageConfig },
    rootfsUsers: EMPTY_ROOTFS_USERS,
    boundingSet: ALL_CAPABILITIES,
    podIPs: ["10.0.0.7", "fd00::7"],
    hostIPs: ["192.0.2.1", "2001:db8::1"],
    nodeName: "node-1",
    allocatable: new Map([["cpu", 4000], ["memory", 2 ** 33], ["ephemeral-storage", 2 ** 36]]),
    localhostProfile: () => undefined,
    ...rest,
  };
}

/** The variables of the process. */
export function envOf(given: Given): Record<string, string> {
  return Object.fromEntries(resolveProcess(inputOf(given)).process.env);
}

/** The message of the error that resolving must end with. */
export function errorOf(given: Given): string {
  try {
    resolveProcess(inputOf(given));
  } catch (error) {
    assert.ok(error instanceof SeedpodError, String(error));
    assert.equal(error.fault, "user");
    return error.message;
  }
  assert.fail("nothing was refused");
}

export function configMaps(data: Record<string, Record<string, string>>): Map<string, ConfigMap> {
  return new Map(
    Object.entries(data).map(([name, each]) => [name, { apiVersion: "v1", kind: "ConfigMap", data: each }]),
  );
}

/** Secrets of texts. */
export function secrets(data: Record<string, Record<string, string>>): Map<string, Secret> {
  const encoded = (each: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(each).map(([key, text]) => [key, new TextEncoder().encode(text).toBase64()]),
    );
  return new Map(
    Object.entries(data).map((
      [name, each],
    ) => [name, { apiVersion: "v1", kind: "Secret", data: encoded(each) }]),
  );
}

export function users(passwd: string, group = ""): ProcessInput["rootfsUsers"] {
  return { passwd: parsePasswd(passwd), groups: parseGroup(group) };
}
