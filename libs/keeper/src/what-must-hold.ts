import { canTakeWrites, type State } from '@pgaf/core/states';

/** What must be true of the local Postgres while a node is in a state. */
export type Requirement = 'writable' | 'standby' | 'stopped' | 'anything';

const STANDBY: ReadonlySet<State> = new Set([
  'catchingup',
  'secondary',
  'join_secondary',
  'fast_forward',
  'prepare_promotion',
  'report_lsn',
  'stop_replication',
  'wait_maintenance',
]);
const STOPPED: ReadonlySet<State> = new Set([
  'draining',
  'prepare_maintenance',
  'demoted',
  'demote_timeout',
  'dropped',
]);

export function whatMustHold(state: State): Requirement {
  if (canTakeWrites(state)) return 'writable';
  if (STANDBY.has(state)) return 'standby';
  return STOPPED.has(state) ? 'stopped' : 'anything';
}

export function needsPostgres(state: State): boolean {
  const requirement = whatMustHold(state);
  return requirement === 'writable' || requirement === 'standby';
}
