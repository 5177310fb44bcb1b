import type { MonitorRule } from '../vocabulary.js';

/** What commits wait for. */
export const SYNCHRONY_RULES: readonly MonitorRule[] = [
  {
    id: 'standby.apart',
    about: 'follower',
    subject: { goal: ['secondary'], health: 'healthy' },
    leader: { goal: ['primary', 'wait_primary', 'apply_settings'], health: 'healthy' },
    guards: ['isApart'],
    assign: { subject: 'catchingup' },
    because: 'nothing of the primary reaches it',
  },
  {
    id: 'leader.wait',
    about: 'leader',
    subject: {
      reported: ['single', 'wait_primary', 'primary', 'apply_settings'],
      goal: ['primary', 'apply_settings'],
      health: 'present',
    },
    guards: ['commitsNeedNotWait'],
    assign: { subject: 'wait_primary' },
    because: 'no standby acknowledges commits, so they must not wait for one',
  },
  {
    id: 'leader.settingsApplied',
    about: 'leader',
    subject: { converged: ['apply_settings'] },
    assign: { subject: 'primary' },
    because: 'it has taken in the new settings',
  },
  {
    id: 'leader.synchronous',
    about: 'leader',
    subject: { converged: ['wait_primary'] },
    someOther: { converged: ['secondary'], health: 'healthy', quorum: true },
    assign: { subject: 'primary' },
    because: 'a standby can acknowledge commits',
  },
  {
    id: 'leader.asynchronous',
    about: 'leader',
    subject: { converged: ['wait_primary'] },
    someOther: { converged: ['secondary'], health: 'healthy' },
    guards: ['noQuorumFollower'],
    assign: { subject: 'primary' },
    because: 'a standby follows, and none takes part in the quorum',
  },
  {
    id: 'standby.lost',
    about: 'follower',
    subject: { goal: ['secondary', 'join_secondary'], health: 'lost' },
    leader: { goal: ['primary', 'wait_primary', 'apply_settings'], health: 'healthy' },
    assign: { subject: 'catchingup' },
    because: 'it is out of reach',
  },
];
