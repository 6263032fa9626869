/** Every system call of a pod's start, compared whole with golden text; UPDATE_GOLDEN=1 rewrites it. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseManifests } from "../../schema/mod.ts";
import type { ConfigMap, Secret } from "../../schema/kubernetes/mod.ts";
import { planSandbox } from "../../runner/engine/kernel/start.ts";
import {
  addContainer,
  addContainerHost,
  type CgroupHost,
  type CompletePod,
  type ContainerStart,
  EMPTY_ROOTFS_USERS,
  encodeProgram,
  NO_IMAGE_CONFIG,
  Passing,
  type PodContainer,
  podContainers,
  type Program,
  ProgramBuilder,
  renderProgram,
  resolveProcess,
  type StartContext,
} from "../../runner/plan/mod.ts";
import { HYBRID_HOST, V1_HOST, V2_HOST } from "./resources/_hosts.ts";

const NOW_MS = 1_700_000_000_000;
const UID = "11111111-2222-3333-4444-555555555555";

/** One pod on every kind of machine, the others on one or two: what differs by the cgroup version is alike in all. */
const CASES: readonly (readonly [pod: string, host: "v1" | "hybrid" | "v2"])[] = [
  ["sidecar", "v1"],
  ["sidecar", "hybrid"],
  ["sidecar", "v2"],
  ["user_namespace", "v1"],
  ["user_namespace", "v2"],
  ["host_namespaces", "v2"],
  ["privileged", "hybrid"],
  ["volumes", "v2"],
];
const HOSTS: Record<"v1" | "hybrid" | "v2", CgroupHost> = { v1: V1_HOST, hybrid: HYBRID_HOST, v2: V2_HOST };

const golden = (name: string): URL => new URL(`./golden/${name}`, import.meta.url);

function declared(name: string) {
  const file = `${name}.yaml`;
  const text = Deno.readTextFileSync(golden(file));
  const { objects, diagnostics } = parseManifests([{ file, text }]);
  deepStrictEqual(diagnostics.map(({ message }) => message), []);
  const located = objects.find(({ kind }) => kind === "Pod")!;
  const of = <T>(kind: string): T[] =>
    objects.filter((each) => each.kind === kind).map(({ object }) => object as T);
  return {
    located,
    pod: located.object as CompletePod,
    configMaps: of<ConfigMap>("ConfigMap"),
    secrets: of<Secret>("Secret"),
  };
}

function contextOf(pod: CompletePod, cgroups: CgroupHost): StartContext {
  return {
    uid: UID,
    pod,
    facts: {
      arch: "x86_64",
      kernel: [6, 18],
      lastCapability: 40,
      cgroups,
      cgroupParent: "seedpod",
      hostname: "machine",
      hostsFile: "127.0.0.1\tlocalhost\n",
      maskedFiles: ["proc/kcore", "proc/keys"],
      maskedDirectories: ["proc/acpi", "sys/firmware"],
      readOnlyProc: ["bus", "fs", "irq", "sys", "sysrq-trigger"],
      maxOpenFiles: 524288,
    },
    places: {
      run: `/run/seedpod/pods/${UID}`,
      lib: `/var/lib/seedpod/pods/${UID}`,
      logs: `/var/log/pods/default_${pod.metadata.name}_${UID}`,
      hidden: ["/run/seedpod", "/var/lib/seedpod"],
    },
    userNamespace: pod.spec.hostUsers === false ? { fd: 9, firstHostId: 65_536, count: 65_536 } : null,
  };
}

function containerStart(context: StartContext, { container, from }: PodContainer): ContainerStart {
  const resolved = resolveProcess({
    context,
    container,
    from,
    configMaps: new Map(),
    secrets: new Map(),
    imageConfig: NO_IMAGE_CONFIG,
    rootfsUsers: EMPTY_ROOTFS_USERS,
    boundingSet: (1n << 41n) - 1n,
    podIPs: [],
    hostIPs: ["192.0.2.1"],
    nodeName: "machine",
    allocatable: new Map([["cpu", 4000], ["memory", 2 ** 33]]),
    localhostProfile: () => undefined,
  });
  const hostRoot = container.image === "host";
  return {
    context,
    container,
    from,
    attempt: 0,
    layers: [hostRoot ? "/" : container.image!.replace(/^dir:/, "")],
    hostRoot,
    process: resolved.process,
    workingDirectory: resolved.workingDirectory,
    devices: container.securityContext?.privileged
      ? [{ path: "kvm", type: "c", major: 10, minor: 232, mode: 0o660 }]
      : [],
    volumeMounts: resolved.volumeMounts,
  };
}

/** The programs of a pod's start in their order, each with a heading. */
function programsOf(name: string, cgroups: CgroupHost): { parts: [string, Program][]; text: string } {
  const { located, pod, configMaps, secrets } = declared(name);
  const context = contextOf(pod, cgroups);
  const machine = { facts: context.facts } as Parameters<typeof planSandbox>[0];
  const sandbox = planSandbox(machine, { uid: UID, pod, configMaps, secrets, hash: "" }, context, NOW_MS);
  const parts: [string, Program][] = [
    ["sandbox, in the daemon", sandbox.host],
    ["sandbox, in the pod's PID 1", sandbox.child],
  ];
  for (const each of podContainers(pod)) {
    const start = containerStart(context, each);
    const host = new ProgramBuilder();
    const child = new ProgramBuilder();
    addContainer(child, start, addContainerHost(host, start), new Passing());
    parts.push([`container "${each.container.name}", in the daemon`, host.build()]);
    parts.push([`container "${each.container.name}", in the container`, child.build()]);
  }
  const text = parts.map(([title, program]) =>
    `== ${title}: ${program.steps.length} steps ==\n${renderProgram(program, (path) => located.locate(path))}`
  ).join("\n");
  return { parts, text };
}

for (const [name, host] of CASES) {
  Deno.test(`the programs of ${name}.yaml on a machine with cgroup ${host} are as committed`, () => {
    const { parts, text } = programsOf(name, HOSTS[host]);
    const url = golden(`${name}.${host}.golden`);
    if (Deno.env.get("UPDATE_GOLDEN") === "1") return Deno.writeTextFileSync(url, text);
    strictEqual(text, Deno.readTextFileSync(url), `${url.pathname} differs; UPDATE_GOLDEN=1 rewrites it`);
    for (const [, program] of parts) {
      for (const arch of ["x86_64", "aarch64"] as const) encodeProgram(program, arch);
    }
  });
}
