import type { MonitorRule } from '../vocabulary.js';
import { PROMOTES, WITH_PROMOTION } from './promoting.js';
import { HANDING_OVER, PROMISING, REPLICATES, RUNNING_STANDBY, WRITABLE } from './state-sets.js';

/** A handover from a leader that stopped on our order. */
export const HANDOVER_RULES: readonly MonitorRule[] = [
  {
    id: 'handover.leave',
    about: 'leader',
    subject: { reported: WRITABLE, goal: WRITABLE },
    guards: ['leaderLeaves', 'someFollower', 'mayFailOver'],
    assign: { subject: 'draining' },
    effects: ['beginSwitchover'],
    because: 'its keeper was told to stop',
  },
  {
    id: 'handover.resume',
    about: 'leader',
    subject: { reported: REPLICATES, goal: HANDING_OVER },
    // Who has promised for the next epoch does not come back in this one.
    noOther: { goal: PROMISING },
    guards: ['abandonedSwitchover', 'leaderStays'],
    assign: { subject: 'primary' },
    effects: ['endSwitchover'],
    because: 'the switchover was given up before Postgres was stopped',
  },
  {
    id: 'handover.stoppedNevertheless',
    about: 'leader',
    // Its keeper may have died between its stop and its word that it is there, or after it gave a drop up.
    subject: {
      reported: [...WRITABLE, ...HANDING_OVER, 'dropped'],
      goal: ['single', 'wait_primary', 'primary', 'apply_settings'],
    },
    guards: ['leaderHasStopped'],
    assign: { subject: 'draining' },
    because: 'it had stopped before it heard that it should go on',
  },
  {
    id: 'handover.order',
    about: 'follower',
    subject: { converged: ['secondary'], health: 'healthy', candidate: true },
    leader: { converged: ['draining'] },
    guards: ['isSuccessor', 'leaderHasFinalLsn', 'hasAllOfStopped', 'nobodyElsePromises'],
    assign: { ...PROMOTES, leader: 'demoted' },
    effects: WITH_PROMOTION,
    because: 'the primary has stopped, and it has everything that the primary had',
  },
  {
    id: 'handover.prepare',
    about: 'follower',
    subject: { converged: ['secondary'], health: 'healthy', candidate: true },
    leader: { converged: [...HANDING_OVER, 'dropped'] },
    // One in report_lsn may have come from a maintenance, and keeps nobody from taking over.
    noOther: { goal: ['fast_forward', 'prepare_promotion'], health: 'healthy' },
    guards: ['isSuccessor', 'leaderHasFinalLsn', 'promiseIsNeeded'],
    assign: { subject: 'prepare_promotion' },
    because: 'the primary has stopped and reported its final LSN',
  },
  {
    id: 'handover.prepareReturned',
    about: 'follower',
    // It was on its way when the primary left, and nobody is left to tell it that it is close.
    subject: {
      reported: ['catchingup', 'join_secondary'],
      goal: RUNNING_STANDBY,
      health: 'healthy',
      candidate: true,
    },
    leader: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['noSuccessor', 'hasFinalLsn'],
    assign: { subject: 'prepare_promotion' },
    because: 'it has everything that the primary had when it stopped',
  },
];
