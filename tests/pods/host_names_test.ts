import { match, strictEqual } from "node:assert/strict";
import { podTest } from "../support/pods.ts";

const NAMES = "cat /proc/sys/kernel/hostname /etc/hostname";
const SLEEPER = '{name: a, image: host, command: [sleep, "1000"]}';

/** A pod that sleeps, with these further fields of its spec. */
function sleeper(name: string, spec = ""): string {
  return `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {${spec} containers: [${SLEEPER}]}\n`;
}

podTest("a pod is named after itself, and its name is no other's", async (root) => {
  const machine = Deno.hostname();
  await root.up(`${sleeper("one")}---\n${sleeper("two", "hostname: other,")}`);
  strictEqual(await root.sh("one", "a", NAMES), "one\none\n");
  strictEqual(await root.sh("two", "a", NAMES), "other\nother\n");
  strictEqual(Deno.hostname(), machine);
  const hosts = (await root.sh("two", "a", "cat /etc/hosts")).split("\n");
  strictEqual(hosts[0], "# seedpod-managed hosts file.");
  strictEqual(hosts[1], "127.0.0.1\tlocalhost");
  strictEqual(hosts.at(-2), "127.0.0.1\tother");
});

podTest("subdomain names the pod's domain, and setHostnameAsFQDN shows all of it", async (root) => {
  const fields = "hostname: web, subdomain: shop,";
  await root.up(`${sleeper("one", fields)}---\n${sleeper("two", `${fields} setHostnameAsFQDN: true,`)}`);
  const fqdn = "web.shop.default.svc.cluster.local";
  strictEqual(await root.sh("one", "a", NAMES), "web\nweb\n");
  strictEqual(await root.sh("two", "a", NAMES), `${fqdn}\n${fqdn}\n`);
  for (const pod of ["one", "two"]) {
    match(await root.sh(pod, "a", "cat /etc/hosts"), new RegExp(`^127\\.0\\.0\\.1\t${fqdn}\tweb$`, "m"));
  }
});

podTest(
  "a long pod name is cut to a host name, and a domain name that the kernel cannot take is refused",
  async (root) => {
    const name = `${"a".repeat(62)}.${"b".repeat(20)}`;
    await root.up(sleeper(name));
    strictEqual(await root.sh(name, "a", "cat /proc/sys/kernel/hostname"), `${"a".repeat(62)}\n`);
    const fields = `hostname: ${"h".repeat(40)}, subdomain: shop, setHostnameAsFQDN: true,`;
    const said = await root.run(["up", "-d", root.manifest(sleeper("long", fields))]);
    strictEqual(said.code, 1);
    match(said.stderr, /it has 71 characters, and the kernel takes 64/);
  },
);

podTest("hostAliases are added to /etc/hosts", async (root) => {
  const aliases =
    "hostAliases: [{ip: 10.1.2.3, hostnames: [foo, foo.example]}, {ip: 'fd00::1', hostnames: [six]}],";
  await root.up(sleeper("one", aliases));
  const hosts = await root.sh("one", "a", "cat /etc/hosts");
  match(hosts, /\n\n# Entries added by hostAliases\.\n10\.1\.2\.3\tfoo\tfoo\.example\nfd00::1\tsix\n$/);
});

podTest("a pod on the machine's network has the machine's names, and its aliases", async (root) => {
  const fields = "hostNetwork: true, hostname: ignored, hostAliases: [{ip: 10.1.2.3, hostnames: [foo]}],";
  await root.up(sleeper("one", fields));
  strictEqual(await root.sh("one", "a", NAMES), `${Deno.hostname()}\n${Deno.hostname()}\n`);
  const hosts = await root.sh("one", "a", "cat /etc/hosts");
  const machine = Deno.readTextFileSync("/etc/hosts").trimEnd();
  const aliases = "# Entries added by hostAliases.\n10.1.2.3\tfoo\n";
  strictEqual(hosts, `# seedpod-managed hosts file (host network).\n${machine}\n\n${aliases}`);
});
