import type { MonitorRule } from '../vocabulary.js';

/** A standby that is taken out of service. */
export const MAINTENANCE_RULES: readonly MonitorRule[] = [
  {
    id: 'maintenance.begin',
    about: 'follower',
    subject: { converged: ['wait_maintenance'] },
    leader: { converged: ['wait_primary'] },
    assign: { subject: 'maintenance' },
    because: 'commits no longer wait for it',
  },
  {
    id: 'maintenance.beginBeside',
    about: 'follower',
    subject: { converged: ['wait_maintenance'] },
    guards: ['leaderDoesNotWait'],
    assign: { subject: 'maintenance' },
    because: 'the primary is not on its way to do without it',
  },
];
