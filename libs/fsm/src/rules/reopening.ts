import type { MonitorRule } from '../vocabulary.js';
import { FOLLOWING, HANDING_OVER } from './state-sets.js';

/** A leader that stopped, or was given up, and goes on since nobody else takes over. */
export const REOPENING_RULES: readonly MonitorRule[] = [
  {
    id: 'leader.reopen',
    about: 'leader',
    // One that was dropped is not let go with the only copy: the operator drops it again when it is not.
    subject: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['leaderHasStopped', 'nobodyElseTakesOver', 'leaderStays'],
    assign: {
      subject: 'wait_primary',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'nobody else can take over, and it has every acknowledged commit itself',
  },
  {
    id: 'leader.reopenAhead',
    about: 'leader',
    subject: { converged: [...HANDING_OVER, 'dropped'] },
    guards: ['onlyLeaderHasAll', 'leaderStays'],
    assign: {
      subject: 'wait_primary',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'it may have commits that nobody else received before it stopped',
  },
  {
    id: 'leader.reopenAbandoned',
    about: 'follower',
    // It may have been about to follow the one that was given up.
    subject: { reported: ['demoted'], goal: ['demoted', 'catchingup'], candidate: true },
    leader: 'absent',
    guards: ['nobodyTakesWrites', 'nobodyIsToBePreferred', 'nobodyIsOnLaterTimeline', 'subjectStays'],
    assign: {
      subject: 'wait_primary',
      followers: { matching: { goal: FOLLOWING }, goal: 'join_secondary' },
    },
    effects: ['orderPromotion', 'endSwitchover'],
    because: 'the primary that was given up is back, and nobody has taken over',
  },
];
