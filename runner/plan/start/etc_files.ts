import { podHostname, shownHostname, type StartContext } from "./context.ts";

/** One generated file of /etc. */
export interface EtcFile {
  readonly name: "hosts" | "hostname";
  readonly content: string;
}

/** The files of /etc that every container of the pod finds: /etc/hosts as kubelet writes it, with the hostAliases. */
export function etcFiles(context: StartContext): EtcFile[] {
  return [
    { name: "hosts", content: hostsFile(context) },
    { name: "hostname", content: `${shownHostname(context)}\n` },
  ];
}

function hostsFile(context: StartContext): string {
  const { spec } = context.pod;
  const aliases = (spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => [ip, ...hostnames].join("\t"));
  const parts = [spec.hostNetwork ? machineHosts(context) : podHosts(context)];
  if (aliases.length > 0) parts.push(["# Entries added by hostAliases.", ...aliases, ""].join("\n"));
  return parts.join("\n");
}

/** The names of a pod on the machine's network are the machine's. */
function machineHosts(context: StartContext): string {
  return `# seedpod-managed hosts file (host network).\n${context.facts.hostsFile.trimEnd()}\n`;
}

function podHosts(context: StartContext): string {
  const { hostname, fqdn } = podHostname(context.pod);
  const own = fqdn === undefined ? hostname : `${fqdn}\t${hostname}`;
  return [
    "# seedpod-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    `127.0.0.1\t${own}`,
    "",
  ].join("\n");
}
