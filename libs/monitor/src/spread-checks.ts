import type { Milliseconds } from '@pgaf/core/durations';

/** So many connections begun at once hold up what else the process does for a millisecond or two. */
const AT_ONCE = 10;

export interface Batch<T> {
  readonly after: Milliseconds;
  readonly due: readonly T[];
}

/**
 * What is due now, spread evenly over the time until the next look, the first at once: a thousand nodes that are found
 * due together would keep the process from its decisions for as long as it takes to begin, and then to end, all of them.
 */
export function spreadChecks<T>(due: readonly T[], within: Milliseconds): readonly Batch<T>[] {
  const batches = Math.ceil(due.length / AT_ONCE);
  return Array.from({ length: batches }, (_, n) => ({
    after: (n * within) / batches,
    due: due.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
  }));
}
