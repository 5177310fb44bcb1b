import { canTakeWrites, type State } from '@pgaf/core/states';

/** States in which Postgres runs and follows, or has promised to follow nobody any more. */
export const STANDBY: ReadonlySet<State> = new Set([
  'catchingup',
  'secondary',
  'join_secondary',
  'fast_forward',
  'prepare_promotion',
  'report_lsn',
  'wait_maintenance',
]);
/** States in which Postgres is down. */
export const STOPPED: ReadonlySet<State> = new Set([
  'draining',
  'prepare_maintenance',
  'demoted',
  'demote_timeout',
  'dropped',
]);

export function needsPostgres(state: State): boolean {
  return canTakeWrites(state) || STANDBY.has(state);
}
