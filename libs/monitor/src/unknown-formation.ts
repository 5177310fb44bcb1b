import type { Refusal } from '@pgaf/fsm/command-decision';

/** @param sqlstate The reference has several for it. */
export function refuseUnknownFormation(sqlstate: string, formation: string): Refusal {
  return {
    tag: 'refused',
    sqlstate,
    message: `formation "${formation}" does not exist`,
    hint: '`pgaf show uri` lists the formations that there are.',
  };
}
