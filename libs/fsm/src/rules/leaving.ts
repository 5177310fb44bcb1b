import type { MonitorRule } from '../vocabulary.js';
import { PROMISING, REPLICATES } from './state-sets.js';

/** Nodes that leave their group. */
export const LEAVING_RULES: readonly MonitorRule[] = [
  {
    id: 'drop.forgetFollower',
    about: 'follower',
    subject: { converged: ['dropped'] },
    assign: {},
    effects: ['removeNode'],
    because: 'the node was dropped and has stopped',
  },
  {
    id: 'drop.forgetLastLeader',
    about: 'leader',
    subject: { converged: ['dropped'] },
    guards: ['noFollower'],
    assign: {},
    effects: ['removeNode'],
    because: 'the last node of the group was dropped and has stopped',
  },
  {
    id: 'drop.stays',
    about: 'leader',
    subject: { reported: REPLICATES, goal: ['dropped'] },
    // Who has promised for the next epoch does not come back in this one.
    noOther: { goal: PROMISING },
    guards: ['abandonedSwitchover', 'leaderStays'],
    assign: { subject: 'primary' },
    effects: ['endSwitchover'],
    because: 'its keeper gave the drop up before Postgres was stopped',
  },
  {
    id: 'drop.lastStays',
    about: 'leader',
    subject: { reported: ['single'], goal: ['dropped'] },
    guards: ['abandonedSwitchover', 'leaderStays'],
    assign: { subject: 'single' },
    because: 'its keeper gave the drop up before Postgres was stopped',
  },
];
