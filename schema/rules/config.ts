import { configKeyFault, type ConfigMap, type Secret } from "../kubernetes/mod.ts";
import { type Fault, quoted } from "../source/mod.ts";

/** Kubernetes refuses more data in one ConfigMap or Secret. */
const MAX_DATA_BYTES = 1024 * 1024;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Keys that a Secret of a type must have: all of one of the groups. */
const REQUIRED_KEYS: Record<string, string[][]> = {
  "kubernetes.io/dockerconfigjson": [[".dockerconfigjson"]],
  "kubernetes.io/dockercfg": [[".dockercfg"]],
  "kubernetes.io/tls": [["tls.crt", "tls.key"]],
  "kubernetes.io/ssh-auth": [["ssh-privatekey"]],
  "kubernetes.io/basic-auth": [["username"], ["password"]],
};

/** Bytes of UTF-8 in `text`. */
function textBytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Bytes behind base64 `text`, whose line breaks do not count. */
function base64Bytes(text: string): number | undefined {
  const bare = text.replace(/[\r\n]/g, "");
  if (!BASE64.test(bare)) return undefined;
  return bare.length / 4 * 3 - (bare.endsWith("==") ? 2 : bare.endsWith("=") ? 1 : 0);
}

function* checkKeys(field: string, data: Record<string, string>): Generator<Fault> {
  for (const key of Object.keys(data)) {
    const fault = configKeyFault(key);
    if (fault) yield { path: [field, key], message: `the key ${quoted(key)} ${fault}`, atKey: true };
  }
}

function* checkBase64(
  field: string,
  data: Record<string, string>,
  hint: string | undefined,
): Generator<Fault> {
  for (const [key, value] of Object.entries(data)) {
    if (base64Bytes(value) === undefined) {
      yield { path: [field, key], message: `the value of ${quoted(key)} is not base64`, hint };
    }
  }
}

function* checkSize(size: number, field: string): Generator<Fault> {
  if (size <= MAX_DATA_BYTES) return;
  yield {
    path: [field],
    message: `the data has ${size} bytes, at most ${MAX_DATA_BYTES} are allowed`,
    atKey: true,
  };
}

function sum(values: string[], measure: (value: string) => number | undefined): number {
  return values.reduce((total, value) => total + (measure(value) ?? 0), 0);
}

/** A ConfigMap's keys and data. */
export function* checkConfigMap({ data = {}, binaryData = {} }: ConfigMap): Generator<Fault> {
  yield* checkKeys("data", data);
  yield* checkKeys("binaryData", binaryData);
  for (const key of Object.keys(binaryData)) {
    if (!Object.hasOwn(data, key)) continue;
    const related = { path: ["data", key], message: "and here" };
    yield {
      path: ["binaryData", key],
      message: `the key ${quoted(key)} is in data and in binaryData`,
      atKey: true,
      related,
    };
  }
  yield* checkBase64("binaryData", binaryData, "text belongs into data");
  const size = sum(Object.values(data), textBytes) + sum(Object.values(binaryData), base64Bytes);
  yield* checkSize(size, Object.keys(data).length > 0 ? "data" : "binaryData");
}

/** A Secret's keys, data and what its type asks for. */
export function* checkSecret({ data = {}, stringData = {}, type = "Opaque" }: Secret): Generator<Fault> {
  yield* checkKeys("data", data);
  yield* checkKeys("stringData", stringData);
  yield* checkBase64("data", data, "text belongs into stringData");
  const size = sum(Object.values(data), base64Bytes) + sum(Object.values(stringData), textBytes);
  yield* checkSize(size, Object.keys(data).length > 0 ? "data" : "stringData");
  if (type === "kubernetes.io/service-account-token") {
    yield {
      path: ["type"],
      message: "a Secret of this type is filled by a cluster; there are no tokens here",
    };
  }
  const groups = REQUIRED_KEYS[type];
  const has = (key: string) => Object.hasOwn(data, key) || Object.hasOwn(stringData, key);
  if (groups && !groups.some((keys) => keys.every(has))) {
    const wanted = groups.map((keys) => keys.map((key) => `"${key}"`).join(" and ")).join(" or ");
    yield { path: ["type"], message: `a Secret of the type ${quoted(type)} must have the key ${wanted}` };
  }
}
