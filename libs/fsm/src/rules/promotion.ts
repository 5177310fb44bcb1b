import type { MonitorRule } from '../vocabulary.js';
import { PROMOTES, WITH_PROMOTION } from './promoting.js';

/** The order to promote: the one-way door. */
export const PROMOTION_RULES: readonly MonitorRule[] = [
  {
    id: 'promotion.order',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: { goal: ['draining', 'demote_timeout', 'demoted'] },
    guards: ['mayBePromoted', 'leaderIsOut'],
    assign: { ...PROMOTES, leader: 'demoted' },
    effects: WITH_PROMOTION,
    because: 'it has every acknowledged commit and the old primary is out',
  },
  {
    id: 'promotion.orderForMaintenance',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: { goal: ['prepare_maintenance'] },
    guards: ['mayBePromoted', 'leaderIsOut'],
    assign: { ...PROMOTES, leader: 'maintenance' },
    effects: WITH_PROMOTION,
    because: 'it has every acknowledged commit and the old primary is out, for its maintenance',
  },
  {
    id: 'promotion.orderAfterDrop',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: { goal: ['dropped'] },
    guards: ['mayBePromoted', 'leaderIsOut'],
    assign: PROMOTES,
    effects: WITH_PROMOTION,
    because: 'it has every acknowledged commit and the primary was dropped',
  },
  {
    id: 'promotion.orderWithoutLeader',
    about: 'follower',
    subject: { converged: ['prepare_promotion'], health: 'healthy' },
    leader: 'absent',
    guards: ['allHavePromised', 'mayBePromoted', 'nobodyTakesWrites'],
    assign: PROMOTES,
    effects: WITH_PROMOTION,
    because: 'an operator gave the primary up',
  },
];
