/** How a quantity was written, which is how Kubernetes writes it again. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** A quantity, exact to a billionth; smaller parts are rounded away from zero, as Kubernetes does. */
export interface ParsedQuantity {
  /** Its value in billionths. */
  nanos: bigint;
  format: QuantityFormat;
}

const NANOS = 1_000_000_000n;
const MAX_NANOS = (2n ** 63n - 1n) * NANOS;
/** Digits on either side of the point: enough for every value that Kubernetes holds, and no cost to read. */
const MAX_DIGITS = 40;
const PATTERN = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?$/;
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/** `numerator / denominator`, rounded away from zero. */
function divideAway(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  if (numerator % denominator === 0n) return quotient;
  return numerator < 0n ? quotient - 1n : quotient + 1n;
}

/** Reads a Kubernetes quantity such as `100m`, `1.5Gi` or `1e3`; undefined where it is none. */
export function parseQuantity(text: string): ParsedQuantity | undefined {
  const match = text.length > 2 * MAX_DIGITS ? null : PATTERN.exec(text);
  if (!match) return undefined;
  const [, sign, whole = "", fraction = "", binary, decimal, exponent] = match;
  if (whole + fraction === "" || whole.length > MAX_DIGITS) return undefined;
  let numerator = BigInt(whole + fraction) * NANOS * (sign === "-" ? -1n : 1n);
  let denominator = 10n ** BigInt(fraction.length);
  let format: QuantityFormat = "DecimalSI";
  if (binary !== undefined) {
    format = "BinarySI";
    numerator *= 1024n ** BigInt(BINARY.indexOf(binary));
  } else {
    if (exponent !== undefined) format = "DecimalExponent";
    const power = exponent !== undefined ? Number(exponent) : 3 * (DECIMAL.indexOf(decimal ?? "") - 3);
    if (power >= 0) numerator *= 10n ** BigInt(power);
    else denominator *= 10n ** BigInt(-power);
  }
  const nanos = divideAway(numerator, denominator);
  return nanos > MAX_NANOS || nanos < -MAX_NANOS ? undefined : { nanos, format };
}

/** Factors of `base` that divide `value`, at most `limit` of them, and what is left. */
function removeFactors(value: bigint, base: bigint, limit: number): { rest: bigint; count: number } {
  let rest = value;
  let count = 0;
  while (count < limit && rest !== 0n && rest % base === 0n) {
    rest /= base;
    count++;
  }
  return { rest, count };
}

/** The canonical text of a quantity, as Kubernetes writes it: no fraction, and the largest suffix that allows it. */
export function formatQuantity(quantity: ParsedQuantity): string {
  const { nanos, format } = quantity;
  if (nanos === 0n) return "0";
  if (format === "BinarySI" && (nanos >= 1024n * NANOS || nanos <= -1024n * NANOS)) {
    const { rest, count } = removeFactors(divideAway(nanos, NANOS), 1024n, BINARY.length - 1);
    return `${rest}${BINARY[count]}`;
  }
  const { rest, count } = removeFactors(nanos, 1000n, DECIMAL.length - 1);
  if (format !== "DecimalExponent") return `${rest}${DECIMAL[count]}`;
  return count === 3 ? String(rest) : `${rest}e${3 * (count - 3)}`;
}

/** Negative, zero or positive as `left` is less than, equal to or more than `right`. */
export function compareQuantities(left: ParsedQuantity, right: ParsedQuantity): number {
  return left.nanos < right.nanos ? -1 : left.nanos > right.nanos ? 1 : 0;
}

/** The sum, in the first one's format. */
export function addQuantities(left: ParsedQuantity, right: ParsedQuantity): ParsedQuantity {
  return { nanos: left.nanos + right.nanos, format: left.format };
}

function roundedUp(text: string, unitNanos: bigint): number {
  const quantity = parseQuantity(text);
  if (!quantity) throw new RangeError(`Cannot read the quantity ${JSON.stringify(text)}: it is none`);
  const value = Number(divideAway(quantity.nanos, unitNanos));
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

/** A cpu quantity in thousandths of a core, rounded up. Throws a RangeError where `text` is no quantity. */
export function cpuMillis(text: string): number {
  return roundedUp(text, NANOS / 1000n);
}

/** A quantity of memory or storage in bytes, rounded up. Throws a RangeError where `text` is no quantity. */
export function quantityBytes(text: string): number {
  return roundedUp(text, NANOS);
}
