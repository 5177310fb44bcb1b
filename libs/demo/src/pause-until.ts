import type { Milliseconds } from '@pgaf/core/durations';

/** Sleeps until this instant of `performance.now()`, or until it is told to end. */
export function pauseUntil(instant: Milliseconds, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, instant - performance.now()));
    signal.addEventListener('abort', done, { once: true });
  });
}
