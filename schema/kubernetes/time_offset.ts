/** The annotation that sets the pod's CLOCK_MONOTONIC off against the machine's. */
export const MONOTONIC_OFFSET = "time.seedpod.dev/monotonic-offset";
/** The annotation that sets the pod's CLOCK_BOOTTIME, and with it its uptime, off against the machine's. */
export const BOOTTIME_OFFSET = "time.seedpod.dev/boottime-offset";

/** An offset of a clock in a time namespace, as /proc/PID/timens_offsets takes it; see time_namespaces(7). */
export interface TimeOffset {
  /** Whole seconds, rounded down. */
  seconds: number;
  /** 0 to 999,999,999. */
  nanoseconds: number;
}

const UNIT_NANOS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const NANOS_PER_SECOND = 1_000_000_000n;
/** The kernel's KTIME_SEC_MAX: about 292 years. */
const MAX_SECONDS = 9_223_372_036n;
const NUMBER = "[0-9]{1,12}(?:\\.[0-9]{1,9})?";
const DURATION = new RegExp(`^(?:${NUMBER}(?:ns|us|µs|ms|s|m|h)){1,8}$`);

function nanosOf(number: string, unit: bigint): bigint {
  const [whole = "0", fraction = ""] = number.split(".");
  return BigInt(whole) * unit + BigInt(fraction.padEnd(9, "0")) * unit / NANOS_PER_SECOND;
}

/** Reads seconds (`-3600`, `1.5`) or a Go duration (`24h`, `-1h30m`); undefined where it is neither. */
export function parseTimeOffset(text: string): TimeOffset | undefined {
  const negative = text.startsWith("-");
  const bare = text.replace(/^[-+]/, "");
  let nanos = 0n;
  if (new RegExp(`^${NUMBER}$`).test(bare)) nanos = nanosOf(bare, NANOS_PER_SECOND);
  else if (DURATION.test(bare)) {
    for (const [, number, unit] of bare.matchAll(new RegExp(`(${NUMBER})([a-zµ]+)`, "g"))) {
      nanos += nanosOf(number!, UNIT_NANOS[unit!]!);
    }
  } else return undefined;
  if (negative) nanos = -nanos;
  const nanoseconds = ((nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
  const seconds = (nanos - nanoseconds) / NANOS_PER_SECOND;
  if (seconds > MAX_SECONDS || seconds < -MAX_SECONDS) return undefined;
  return { seconds: Number(seconds), nanoseconds: Number(nanoseconds) };
}
