import type { Milliseconds } from '@pgaf/core/durations';

/** Attempts in a row to get a Postgres that stays up, and did not; a value, replaced at each event. */
export interface RestartAttempts {
  /** When Postgres was first seen down, on a monotonic clock; null while it runs. */
  readonly downSince: Milliseconds | null;
  readonly failed: number;
}

export const NO_ATTEMPTS: RestartAttempts = { downSince: null, failed: 0 };

/** Attempts without a pause, after which a start is tried slowly and the node says that it is down. */
export const QUICK_ATTEMPTS = 3;

/** A crash recovery may last; after this long the node says that it is down while it goes on. */
export const QUICK_WINDOW: Milliseconds = 20_000;

/**
 * A postmaster that ran for this long was mended by its start. What ends it again by itself does so with its first
 * clients and workers, and clients come back within seconds; deaths that are further apart are each worth one restart
 * of 0.2 s rather than a failover.
 */
export const STEADY_AFTER: Milliseconds = 10_000;

const SLOW_PAUSE: Milliseconds = 1000;

/** `ranFor`: for how long the postmaster has been running. */
export function postgresIsUp(attempts: RestartAttempts, ranFor: Milliseconds): RestartAttempts {
  return ranFor < STEADY_AFTER ? { ...attempts, downSince: null } : NO_ATTEMPTS;
}

export function postgresIsDown(attempts: RestartAttempts, now: Milliseconds): RestartAttempts {
  return attempts.downSince === null ? { ...attempts, downSince: now } : attempts;
}

/** The postmaster ended without having been told to; a start that held for a moment only has failed, too. */
export function postmasterDied(
  attempts: RestartAttempts,
  ranFor: Milliseconds,
  now: Milliseconds,
): RestartAttempts {
  return ranFor < STEADY_AFTER ? startFailed(attempts, now) : { downSince: now, failed: 0 };
}

export function startFailed(attempts: RestartAttempts, now: Milliseconds): RestartAttempts {
  return { downSince: attempts.downSince ?? now, failed: attempts.failed + 1 };
}

/** Nothing is there that could be started: the node is down as after as many attempts as can mend anything. */
export function startImpossible(attempts: RestartAttempts, now: Milliseconds): RestartAttempts {
  return { downSince: attempts.downSince ?? now, failed: Math.max(attempts.failed, QUICK_ATTEMPTS) };
}

/** True while a restart is under way that is likely to mend it, so that nobody needs to be promoted. */
export function mayMendItself(attempts: RestartAttempts, now: Milliseconds): boolean {
  const since = attempts.downSince ?? now;
  return attempts.failed < QUICK_ATTEMPTS && now - since < QUICK_WINDOW;
}

/** How long to wait before the next start. */
export function pauseBeforeStart(attempts: RestartAttempts): Milliseconds {
  return attempts.failed < QUICK_ATTEMPTS ? 0 : SLOW_PAUSE;
}
