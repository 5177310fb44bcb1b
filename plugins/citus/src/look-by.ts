import { setTimeout as pause } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';
import type { FormationView, KeeperContext } from '@pgaf/plugin-api';

/**
 * The formation as it is now; null when the monitor is away, or does not answer by then (of `performance.now()`), or before
 * the keeper ends.
 */
export async function lookBy(
  { lookAgain, signal }: Pick<KeeperContext, 'lookAgain' | 'signal'>,
  until: Milliseconds,
): Promise<FormationView | null> {
  if (signal.aborted) return null;
  const timer = new AbortController();
  const stop = (): void => timer.abort();
  signal.addEventListener('abort', stop);
  try {
    const wait = Math.max(0, until - performance.now());
    const late = pause(wait, null, { signal: timer.signal }).catch(() => null);
    return await Promise.race([lookAgain().catch(() => null), late]);
  } finally {
    signal.removeEventListener('abort', stop);
    timer.abort();
  }
}
