import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { FormationView, KeeperContext } from '@pgaf/plugin-api';

/** The formation as it is now; null when the monitor is away, or does not answer by then (of `performance.now()`). */
export async function lookBy(
  { lookAgain }: Pick<KeeperContext, 'lookAgain'>,
  until: Milliseconds,
): Promise<FormationView | null> {
  const timer = new AbortController();
  try {
    const late = pause(Math.max(0, until - performance.now()), null, { signal: timer.signal });
    return await Promise.race([lookAgain().catch(() => null), late]);
  } finally {
    timer.abort();
  }
}
