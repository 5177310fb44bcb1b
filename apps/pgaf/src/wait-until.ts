import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '@pgaf/core/durations';

const POLL: Milliseconds = 50;

/** True once the condition holds, false when it does not within the limit. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limit: Milliseconds,
): Promise<boolean> {
  const deadline = performance.now() + limit;
  while (!(await condition())) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL);
  }
  return true;
}
