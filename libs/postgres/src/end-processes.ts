import type { Milliseconds } from '@pgaf/core/durations';
import { isDoomed, isLiving, sendSignal, type ProcessFacts } from './processes.js';
import { until } from './until.js';

export interface Ending {
  readonly first: NodeJS.Signals;
  /** SIGKILL for who is left after this many milliseconds. */
  readonly killAfterMs: number;
  /**
   * How long after the SIGKILL those are not waited for any more whose end hangs, see `isDoomed`; without it, all are
   * waited for.
   */
  readonly leaveDoomedAfterMs?: Milliseconds | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ends processes and waits until each is gone.
 * @returns those that were killed and are not gone.
 */
export async function endProcesses(
  processes: readonly ProcessFacts[],
  ending: Ending,
): Promise<readonly ProcessFacts[]> {
  for (const one of processes) sendSignal(one, ending.first);
  const killAt = performance.now() + ending.killAfterMs;
  const leaveAt = killAt + (ending.leaveDoomedAfterMs ?? Infinity);
  let killed = false;
  return until(
    () => {
      const left = processes.filter(isLiving);
      if (left.length === 0) return left;
      const now = performance.now();
      if (!killed && now >= killAt) {
        killed = true;
        for (const one of left) sendSignal(one, 'SIGKILL');
      }
      return killed && now >= leaveAt && left.every(isDoomed) ? left : undefined;
    },
    { everyMs: 5, signal: ending.signal },
  );
}
