/** Every state of the vocabulary, in the order of the enum `pgautofailover.replication_state`. */
export const STATES = [
  'unknown',
  'init',
  'single',
  'wait_primary',
  'primary',
  'draining',
  'demote_timeout',
  'demoted',
  'catchingup',
  'secondary',
  'prepare_promotion',
  'stop_replication',
  'wait_standby',
  'maintenance',
  'join_primary',
  'apply_settings',
  'prepare_maintenance',
  'wait_maintenance',
  'report_lsn',
  'fast_forward',
  'join_secondary',
  'dropped',
] as const;

export type State = (typeof STATES)[number];

/** How clients can use a node, as `show state` prints it. */
export type Connection = 'read-write' | 'read-only' | 'none';

const KNOWN: ReadonlySet<string> = new Set(STATES);

const WRITABLE: ReadonlySet<State> = new Set([
  'single',
  'primary',
  'wait_primary',
  'join_primary',
  'apply_settings',
]);

const READ_ONLY: ReadonlySet<State> = new Set([
  'secondary',
  'catchingup',
  'prepare_promotion',
  'stop_replication',
  'wait_maintenance',
  'fast_forward',
  'join_secondary',
  'report_lsn',
]);

export function isState(text: string): text is State {
  return KNOWN.has(text);
}

/** True for the states in which a node's Postgres takes writes. */
export function canTakeWrites(state: State): boolean {
  return WRITABLE.has(state);
}

/** True for the states by which a leader is told to stop, so that another node takes over. */
export function handsOver(state: State): boolean {
  return state === 'draining' || state === 'prepare_maintenance';
}

/** True for the states of a node that has promised to follow no older epoch than the next. */
export function promises(state: State): boolean {
  return state === 'report_lsn' || state === 'fast_forward' || state === 'prepare_promotion';
}

export function connectionOf(reported: State): Connection {
  if (WRITABLE.has(reported) || reported === 'prepare_maintenance') return 'read-write';
  return READ_ONLY.has(reported) ? 'read-only' : 'none';
}
