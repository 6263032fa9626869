import { podHostname, type StartContext } from "./context.ts";

/** One generated file of /etc. */
export interface EtcFile {
  readonly name: "hosts" | "hostname" | "resolv.conf";
  readonly content: string;
}

/** The files of /etc that every container of the pod finds: /etc/hosts as kubelet writes it, with the hostAliases. */
export function etcFiles(context: StartContext): EtcFile[] {
  const spec = context.pod.spec;
  const { hostname } = podHostname(context.pod);
  return [
    { name: "hosts", content: hostsFile(context) },
    { name: "hostname", content: `${spec.hostNetwork ? context.facts.hostname : hostname}\n` },
  ];
}

function hostsFile(context: StartContext): string {
  const spec = context.pod.spec;
  const { hostname, fqdn } = podHostname(context.pod);
  const own = spec.hostNetwork ? context.facts.hostname : [fqdn, hostname].filter((name) => name).join(" ");
  const lines = [
    "# seedpod-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    `127.0.0.1\t${own}`,
  ];
  const aliases = (spec.hostAliases ?? []).map((alias) =>
    `${alias.ip}\t${(alias.hostnames ?? []).join("\t")}`
  );
  if (aliases.length > 0) lines.push("", "# Entries added by hostAliases.", ...aliases);
  return lines.join("\n") + "\n";
}
