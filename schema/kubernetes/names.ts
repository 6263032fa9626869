/** The rules of Kubernetes' names. Each function answers undefined, or what is wrong with the text. */

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;
const ENV_NAME = /^[\x20-\x3c\x3e-\x7e]+$/;
const C_IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

function tooLong(text: string, limit: number): string | undefined {
  return text.length > limit ? `has ${text.length} characters, at most ${limit} are allowed` : undefined;
}

/** A DNS-1123 label: the names of containers, volumes and namespaces, and host names. */
export function dnsLabelFault(text: string): string | undefined {
  const rule = "must be lower-case letters, digits and '-', and begin and end with a letter or digit";
  return tooLong(text, 63) ?? (LABEL.test(text) ? undefined : rule);
}

/** A DNS-1123 subdomain: the names of pods, ConfigMaps and Secrets. */
export function dnsSubdomainFault(text: string): string | undefined {
  const rule = "must be lower-case letters, digits, '-' and '.', and begin and end with a letter or digit";
  return tooLong(text, 253) ?? (SUBDOMAIN.test(text) ? undefined : rule);
}

/** The part of a label's or annotation's key after the slash, or a label's value that is not empty. */
export function qualifiedPartFault(text: string): string | undefined {
  const rule = "must be letters, digits, '-', '_' and '.', and begin and end with a letter or digit";
  return tooLong(text, 63) ?? (QUALIFIED.test(text) ? undefined : rule);
}

/** A label's or annotation's key: `name` or `prefix/name`. */
export function qualifiedNameFault(text: string): string | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return qualifiedPartFault(text);
  if (text.indexOf("/", slash + 1) >= 0) return "must have at most one '/'";
  const prefixFault = dnsSubdomainFault(text.slice(0, slash).toLowerCase());
  return prefixFault === undefined ? qualifiedPartFault(text.slice(slash + 1)) : `its prefix ${prefixFault}`;
}

/** A label's value, which may be empty. */
export function labelValueFault(text: string): string | undefined {
  return text === "" ? undefined : qualifiedPartFault(text);
}

/** A key of a ConfigMap or Secret. */
export function configKeyFault(text: string): string | undefined {
  if (text === "." || text === ".." || text.startsWith("..")) return "must not be '.' or begin with '..'";
  return tooLong(text, 253) ??
    (CONFIG_KEY.test(text) ? undefined : "must be letters, digits, '-', '_' and '.'");
}

/** The name of an environment variable. */
export function envNameFault(text: string): string | undefined {
  return ENV_NAME.test(text) ? undefined : "must be printable ASCII characters without '='";
}

/** True for names that every shell can expand. */
export function isCIdentifier(text: string): boolean {
  return C_IDENTIFIER.test(text);
}

/** An IANA service name: the names of ports. */
export function portNameFault(text: string): string | undefined {
  const ok = /^[a-z0-9](?:-?[a-z0-9])*$/.test(text) && /[a-z]/.test(text);
  const rule = "must be lower-case letters, digits and single '-' between them, with at least one letter";
  return tooLong(text, 15) ?? (ok ? undefined : rule);
}

/** True for an IPv4 address in its canonical form. */
export function isIPv4(text: string): boolean {
  const part = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  return new RegExp(`^${part}(?:\\.${part}){3}$`).test(text);
}

/** True for an IPv6 address, without a zone. */
export function isIPv6(text: string): boolean {
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return false;
  const dotted = /^(.*:)([0-9.]+)$/.exec(text);
  if (dotted && dotted[2]!.includes(".")) return isIPv4(dotted[2]!) && isIPv6(`${dotted[1]}0:0`);
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  const wellFormed = groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group));
  return wellFormed && (halves.length === 2 ? groups.length < 8 : groups.length === 8);
}
