/** The middle of some numbers; of an even count the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle)
    ? ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
    : sorted[Math.floor(middle)]!;
}

/** One of the things that are measured side by side. */
export interface Contender {
  readonly name: string;
  /** Measures once, in milliseconds; what it started is gone when it resolves. */
  measure(): Promise<number>;
}

/** Measures in turns, A B C A B C …, so that what else the machine does falls on all alike; gives each one's times. */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
): Promise<Map<string, number[]>> {
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) times.get(contender.name)!.push(await contender.measure());
  }
  return times;
}

/** How long an action takes, in milliseconds. */
export async function elapsedMs(action: () => unknown): Promise<number> {
  const beganMs = performance.now();
  await action();
  return performance.now() - beganMs;
}
