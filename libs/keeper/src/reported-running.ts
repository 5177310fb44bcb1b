import type { Milliseconds } from '@pgaf/core/durations';
import type { State } from '@pgaf/core/states';
import { QUICK_ATTEMPTS, mayMendItself, type RestartAttempts } from './restart-attempts.js';
import { needsPostgres } from './what-must-hold.js';

/**
 * What a report says of Postgres. One that is down and about to be restarted counts as running, so that a
 * restart of 0.2 s costs no failover. So does one that is being stopped on order: the promise of a standby cuts
 * its stream, and must not come before the last WAL has. A node that has failed to start says so, and so does one
 * that nobody is going to start, or that runs and does not answer.
 */
export function reportedRunning(node: {
  /** It answered the last look, or said by an error that it works, and not for its keeper. */
  readonly answers: boolean;
  readonly current: State;
  readonly goal: State;
  readonly attempts: RestartAttempts;
  /** The node is paused, or its keeper leaves. */
  readonly staysDown: boolean;
  /** Postgres runs, and has not answered for longer than a lease. */
  readonly hangs: boolean;
  readonly now: Milliseconds;
}): boolean {
  if (node.answers) return true;
  if (!needsPostgres(node.current)) return false;
  if (!needsPostgres(node.goal)) return node.attempts.failed < QUICK_ATTEMPTS;
  if (node.staysDown || node.hangs) return false;
  return mayMendItself(node.attempts, node.now);
}
