import { setTimeout as pause } from 'node:timers/promises';
import { formatDuration, type Milliseconds } from '@pgaf/core/durations';

/** A look that starts a program takes a processor from what it waits for: it gets one back for as long, up to this. */
const LONGEST_PAUSE: Milliseconds = 500;

export interface Wait {
  /** What is waited for, as the end of "waited 20 s for …". */
  readonly what: string;
  readonly deadlineMs: Milliseconds;
  /** The least time between two looks; 20 ms unless told. */
  readonly everyMs?: Milliseconds;
  /** What was seen last: the body of the error when the deadline passes. */
  readonly seen?: () => Promise<string> | string;
}

/**
 * Looks until `probe` answers something other than null, false or undefined, and returns that. A probe that
 * throws has not answered: servers come and go under a test.
 * @throws Error at the deadline, with what was seen and the probe's last error.
 */
export async function until<T>(
  wait: Wait,
  probe: () => Promise<T | null | false | undefined> | T | null | false | undefined,
): Promise<T> {
  const start = performance.now();
  let lastError: unknown;
  for (;;) {
    const looked = performance.now();
    try {
      const answer = await probe();
      if (answer !== null && answer !== false && answer !== undefined) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() - start > wait.deadlineMs) break;
    const took = performance.now() - looked;
    await pause(Math.max(wait.everyMs ?? 20, Math.min(took, LONGEST_PAUSE)));
  }
  const seen = wait.seen ? await wait.seen() : '';
  const reason = lastError === undefined ? '' : `\nlast error: ${String(lastError)}`;
  throw new Error(
    `waited ${formatDuration(wait.deadlineMs)} for ${wait.what}${reason}${seen && `\n${seen}`}`,
  );
}
