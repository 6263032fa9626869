import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  Probe,
  VolumeMount,
} from "../../../schema/kubernetes/mod.ts";

/** A Kubernetes time as `kubectl describe` writes it, in UTC: `Thu, 01 Jan 2026 00:00:00 +0000`. */
export function longTime(time: string | undefined): string {
  const ms = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(ms) ? "<unknown>" : new Date(ms).toUTCString().replace("GMT", "+0000");
}

const title = (flag: boolean | undefined): string => flag ? "True" : "False";

/** `Name:` and below it, indented, one line each; `none` beside it when there is nothing. */
export function listOf(name: string, lines: readonly string[], indent: string, none = "<none>"): string[] {
  if (lines.length === 0) return [`${indent}${name}:\t${none}`];
  return [`${indent}${name}:`, ...lines.map((line) => `${indent}  ${line}`)];
}

function stateLines(name: string, state: ContainerState | undefined): string[] {
  const { running, waiting, terminated } = state ?? {};
  if (running) return [`    ${name}:\tRunning`, `      Started:\t${longTime(running.startedAt)}`];
  if (terminated) {
    return [
      `    ${name}:\tTerminated`,
      ...terminated.reason ? [`      Reason:\t${terminated.reason}`] : [],
      ...terminated.message ? named("Message", terminated.message, "      ") : [],
      `      Exit Code:\t${terminated.exitCode}`,
      ...terminated.signal ? [`      Signal:\t${terminated.signal}`] : [],
      `      Started:\t${longTime(terminated.startedAt)}`,
      `      Finished:\t${longTime(terminated.finishedAt)}`,
    ];
  }
  return [
    `    ${name}:\tWaiting`,
    ...waiting?.reason ? [`      Reason:\t${waiting.reason}`] : [],
    ...waiting?.message ? named("Message", waiting.message, "      ") : [],
  ];
}

/** Lines of a text; a tab in it must not become a column. */
const textLines = (text: string): string[] => text.trimEnd().replaceAll("\t", "    ").split("\n");

/** `Name:` with the first line of a text beside it and the others below that. */
function named(name: string, text: string, indent: string): string[] {
  return textLines(text).map((line, index) => `${indent}${index === 0 ? `${name}:` : ""}\t${line}`);
}

function resourceLines(name: string, resources: Record<string, string> | undefined): string[] {
  const rows = Object.entries(resources ?? {}).sort(([a], [b]) => a < b ? -1 : 1);
  return rows.length === 0 ? [] : listOf(name, rows.map(([key, value]) => `${key}:\t${value}`), "    ");
}

function probeText(probe: Probe): string {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  const how = exec
    ? `exec [${(exec.command ?? []).join(" ")}]`
    : httpGet
    ? `http-get ${(httpGet.scheme ?? "HTTP").toLowerCase()}://${httpGet.host ?? ""}:${httpGet.port}${
      httpGet.path ?? "/"
    }`
    : tcpSocket
    ? `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port}`
    : `grpc <pod>:${grpc?.port}${grpc?.service ? ` ${grpc.service}` : ""}`;
  const times = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 1}s ` +
    `period=${probe.periodSeconds ?? 10}s`;
  return `${how} ${times} #success=${probe.successThreshold ?? 1} #failure=${probe.failureThreshold ?? 3}`;
}

function envLines({ name, value, valueFrom }: EnvVar): string[] {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = valueFrom ?? {};
  const optional = (ref: { optional?: boolean }): string => `Optional: ${ref.optional === true}`;
  if (configMapKeyRef) {
    const { key, name: map } = configMapKeyRef;
    return [`${name}:\t<set to the key '${key}' of config map '${map}'>\t${optional(configMapKeyRef)}`];
  }
  if (secretKeyRef) {
    const { key, name: secret } = secretKeyRef;
    return [`${name}:\t<set to the key '${key}' in secret '${secret}'>\t${optional(secretKeyRef)}`];
  }
  if (fieldRef) return [`${name}:\t (${fieldRef.apiVersion ?? "v1"}:${fieldRef.fieldPath})`];
  if (resourceFieldRef) {
    const { containerName, resource } = resourceFieldRef;
    return [`${name}:\t ${containerName ?? "node allocatable"} (${resource})`];
  }
  return named(name, value ?? "", "");
}

function envFromLines({ envFrom }: Container): string[] {
  const sources = (envFrom ?? []).map(({ configMapRef, secretRef, prefix }) => {
    const [kind, ref] = configMapRef ? ["ConfigMap", configMapRef] as const : ["Secret", secretRef] as const;
    return `${ref?.name}\t${kind}${prefix ? ` with prefix '${prefix}'` : ""}\tOptional: ${
      ref?.optional === true
    }`;
  });
  return sources.length === 0 ? [] : listOf("Environment Variables from", sources, "    ");
}

function mountText({ mountPath, name, readOnly, subPath, subPathExpr }: VolumeMount): string {
  const path = subPath ? `,path="${subPath}"` : subPathExpr ? `,path=$(${subPathExpr})` : "";
  return `${mountPath} from ${name} (${readOnly ? "ro" : "rw"}${path})`;
}

function portLines({ ports = [] }: Container): string[] {
  const list = (texts: string[]): string => texts.join(", ") || "<none>";
  const protocol = (value: string | undefined): string => value ?? "TCP";
  const names = ports.length > 1 ? ["Ports", "Host Ports"] : ["Port", "Host Port"];
  const inner = ports.map(({ name, containerPort, protocol: by }) =>
    `${containerPort}/${protocol(by)}${name ? ` (${name})` : ""}`
  );
  const host = ports.map(({ hostPort, protocol: by }) => `${hostPort ?? 0}/${protocol(by)}`);
  return [`    ${names[0]}:\t${list(inner)}`, `    ${names[1]}:\t${list(host)}`];
}

/** One container with its state, as `kubectl describe pod` shows it. */
export function containerLines(container: Container, status: ContainerStatus | undefined): string[] {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  const probes = { Liveness: livenessProbe, Readiness: readinessProbe, Startup: startupProbe };
  const words = (name: string, list: readonly string[] | undefined): string[] =>
    list?.length ? listOf(name, list.flatMap(textLines), "    ") : [];
  return [
    `  ${container.name}:`,
    `    Container ID:\t${status?.containerID ?? ""}`,
    `    Image:\t${container.image ?? ""}`,
    `    Image ID:\t${status?.imageID ?? ""}`,
    ...portLines(container),
    ...words("Command", container.command),
    ...words("Args", container.args),
    ...stateLines("State", status?.state),
    ...status?.lastState?.terminated ? stateLines("Last State", status.lastState) : [],
    `    Ready:\t${title(status?.ready)}`,
    `    Restart Count:\t${status?.restartCount ?? 0}`,
    ...resourceLines("Limits", container.resources?.limits),
    ...resourceLines("Requests", container.resources?.requests),
    ...Object.entries(probes).flatMap(([name, probe]) => probe ? [`    ${name}:\t${probeText(probe)}`] : []),
    ...envFromLines(container),
    ...listOf("Environment", (container.env ?? []).flatMap(envLines), "    "),
    ...listOf("Mounts", (container.volumeMounts ?? []).map(mountText).sort(), "    "),
  ];
}
