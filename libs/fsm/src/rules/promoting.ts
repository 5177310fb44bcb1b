import type { MonitorRule } from '../vocabulary.js';
import { FOLLOWING } from './state-sets.js';

/** What each order to promote a standby assigns, whatever becomes of its leader. */
export const PROMOTES = {
  subject: 'wait_primary',
  followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
} as const satisfies MonitorRule['assign'];

/** It raises the epoch, and the switchover is over. */
export const WITH_PROMOTION: NonNullable<MonitorRule['effects']> = ['orderPromotion', 'endSwitchover'];
