const SECOND_MS = 1000;

/** A length of time as kubectl's tables write it: two units at most, fewer the longer it is. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / SECOND_MS);
  if (seconds < -1) return "<invalid>";
  if (seconds < 120) return `${Math.max(0, seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return two(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? two(years, "y", days % 365, "d") : `${years}y`;
}

function two(high: number, highUnit: string, low: number, lowUnit: string): string {
  return `${high}${highUnit}${low === 0 ? "" : `${low}${lowUnit}`}`;
}

/** How long ago a Kubernetes time was. */
export function ageOf(time: string | undefined, nowMs: number): string {
  const ms = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(ms) ? "<unknown>" : humanDuration(nowMs - ms);
}
