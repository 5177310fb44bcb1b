import { Flags } from '@oclif/core';

/** Flags that mean the same in every command that has them. */

export const pgdata = Flags.string({
  char: 'D',
  summary: 'Data directory of the node or the monitor (PGDATA)',
  helpValue: 'DIR',
});

export const monitor = Flags.string({
  summary: 'Connection string of the monitor (PG_AUTOCTL_MONITOR)',
  helpValue: 'URI',
});

export const formation = Flags.string({
  char: 'f',
  summary: 'Formation; that of the node, else "default"',
  helpValue: 'NAME',
});

export const group = Flags.integer({ char: 'g', summary: 'Group of the formation', helpValue: 'N', min: 0 });

export const json = Flags.boolean({ char: 'J', summary: 'Print JSON' });

export const osUser = Flags.string({
  summary: 'User to run as when root starts pgaf and the data directory has no owner yet',
  helpValue: 'USER',
});

/** What a timer can hold, in seconds: 24 days. */
export const LONGEST_WAIT = 2_147_483;

/** `--wait`, in seconds. */
export function waitSeconds(summary: string) {
  return Flags.integer({ summary, default: 60, min: 0, max: LONGEST_WAIT, helpValue: 'S' });
}
