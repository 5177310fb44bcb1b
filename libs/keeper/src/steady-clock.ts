import { uptime } from 'node:os';
import type { Milliseconds } from '@pgaf/core/durations';

/** What the clock of the process has missed while the host slept; the host's uptime is read in steps of 10 ms. */
const SLEPT_AT_LEAST: Milliseconds = 100;

let missed = uptime() * 1000 - performance.now();

/**
 * Milliseconds since the host was booted. Goes on while the host sleeps, is set by nobody, and is the same for every
 * process of the host but for some hundredths of a second.
 */
export function steadyNow(): Milliseconds {
  const behind = uptime() * 1000 - performance.now();
  if (behind > missed + SLEPT_AT_LEAST) missed = behind;
  return performance.now() + missed;
}
