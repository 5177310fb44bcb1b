import type { MonitorRule } from '../vocabulary.js';
import { PROMISING, REPLICATES, WRITABLE } from './state-sets.js';

/** Standbys on their way to follow. */
export const JOINING_RULES: readonly MonitorRule[] = [
  {
    id: 'leader.firstStandby',
    about: 'leader',
    subject: { converged: ['single'] },
    someOther: { converged: ['wait_standby'] },
    assign: { subject: 'wait_primary' },
    because: 'a standby has joined',
  },
  {
    id: 'standby.copy',
    about: 'follower',
    subject: { converged: ['wait_standby'] },
    leader: { reported: REPLICATES, goal: REPLICATES },
    assign: { subject: 'catchingup' },
    because: 'the primary is ready to be copied',
  },
  {
    id: 'standby.return',
    about: 'follower',
    subject: { converged: ['demoted'] },
    leader: { reported: WRITABLE, goal: WRITABLE, health: 'healthy' },
    assign: { subject: 'catchingup' },
    because: 'the new primary is ready to be followed',
  },
  {
    id: 'standby.promiseOver',
    about: 'follower',
    subject: { converged: PROMISING },
    leader: { reported: WRITABLE, goal: WRITABLE, health: 'healthy' },
    guards: ['promiseIsOver'],
    assign: { subject: 'join_secondary' },
    because: 'the epoch that it promised for was given to another node',
  },
  {
    id: 'standby.parted',
    about: 'follower',
    subject: { converged: ['join_secondary'] },
    guards: ['hasParted'],
    assign: { subject: 'catchingup' },
    because: 'it has WAL that the new primary does not have, which must be taken back',
  },
  {
    id: 'standby.joined',
    about: 'follower',
    subject: { converged: ['join_secondary'], health: 'healthy' },
    leader: { reported: REPLICATES, goal: REPLICATES, health: 'healthy' },
    guards: ['closeToLeader'],
    assign: { subject: 'secondary' },
    because: 'it follows the new primary',
  },
  {
    id: 'standby.joinsLate',
    about: 'follower',
    subject: { converged: ['join_secondary'], health: 'healthy' },
    leader: { reported: REPLICATES, goal: REPLICATES, health: 'healthy' },
    guards: ['joinsTooLong'],
    assign: { subject: 'catchingup' },
    because: 'it does not follow the new primary yet',
  },
  {
    id: 'standby.ready',
    about: 'follower',
    subject: { converged: ['catchingup'], health: 'healthy' },
    leader: { reported: REPLICATES, goal: REPLICATES, health: 'healthy' },
    guards: ['closeToLeader', 'hearsLeader'],
    assign: { subject: 'secondary' },
    because: 'it has caught up',
  },
];
