import type { MonitorRule } from '../vocabulary.js';
import { HANDING_OVER } from './state-sets.js';

/** A group of one node. */
export const ALONE_RULES: readonly MonitorRule[] = [
  {
    id: 'single.lastLeader',
    about: 'leader',
    subject: { goal: ['primary', 'wait_primary', 'join_primary', 'apply_settings'] },
    guards: ['noFollower'],
    assign: { subject: 'single' },
    because: 'no other node is left in the group',
  },
  {
    id: 'single.reopen',
    about: 'node',
    subject: { converged: [...HANDING_OVER, 'demote_timeout', 'demoted'] },
    guards: ['alone'],
    assign: { subject: 'single' },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'no other node is left in the group',
  },
];
