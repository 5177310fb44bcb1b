import type { State } from '@pgaf/core/states';

/**
 * A node that was asked to promise and hears of it only after the order would promise for the epoch after the
 * next one. So no order leaves such a goal behind.
 */
export const PROMISING: readonly State[] = ['report_lsn', 'fast_forward', 'prepare_promotion'];

/** The goals of standbys that follow the next leader by reload, as they followed the last one. */
export const FOLLOWING: readonly State[] = ['secondary', 'join_secondary', ...PROMISING];

/** A standby that runs, with everything there or not: what it acknowledged counts. */
export const RUNNING_STANDBY: readonly State[] = ['secondary', 'catchingup', 'join_secondary'];

/**
 * A leader to follow is on its way between these, or rests in one: its way may wait for the very standby that this is
 * about, such as for the second one of two that must acknowledge commits.
 */
export const REPLICATES: readonly State[] = ['wait_primary', 'join_primary', 'primary', 'apply_settings'];

/** A leader that was told to stop so that another node takes over. */
export const HANDING_OVER: readonly State[] = ['draining', 'prepare_maintenance'];

/** The states in which a leader takes writes. */
export const WRITABLE: readonly State[] = [
  'single',
  'wait_primary',
  'join_primary',
  'primary',
  'apply_settings',
];
