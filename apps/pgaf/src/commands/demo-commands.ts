import { Flags, type Interfaces } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { formation, group, json, monitor, osUser, pgdata } from '../flag-definitions.js';

const TARGET = {
  pgdata,
  monitor,
  formation,
  username: Flags.string({
    summary: 'Role of the application (PGUSER); else the name of the user who types',
    helpValue: 'ROLE',
  }),
  json,
  'os-user': osUser,
};

const seconds = (summary: string) => Flags.string({ summary, helpValue: 'S' });

const RUN = {
  ...TARGET,
  group,
  clients: Flags.string({
    summary: 'How many write at the same time, 1 unless told (PG_AUTOCTL_DEMO_CLIENTS)',
    helpValue: 'N',
  }),
  duration: seconds('For how long, in seconds, 30 unless told (PG_AUTOCTL_DEMO_DURATION)'),
  'first-failover': seconds('When the first failover is, 10 unless told (PG_AUTOCTL_DEMO_FAILOVER_FIRST)'),
  'failover-freq': seconds('From one failover to the next, 45 unless told (PG_AUTOCTL_DEMO_FAILOVER_FREQ)'),
  'no-failover': Flags.boolean({ summary: 'No failover' }),
  wait: seconds('For a formation that is not up yet, 60 unless told; 0 does not wait'),
};

function demoCommand<F extends Interfaces.FlagInput>(
  word: string,
  spec: Omit<Parameters<typeof defineCommand<F>>[0], 'name'>,
): AnyCommand[] {
  return [
    defineCommand({ ...spec, name: `demo ${word}` }),
    // As in pg_auto_failover, whose users have it in their Compose files.
    defineCommand({ ...spec, name: `do demo ${word}`, hidden: true }),
  ];
}

export const DEMO_COMMANDS: readonly AnyCommand[] = [
  ...demoCommand('run', {
    summary: 'Write to a formation while it fails over, and print what the application saw of it',
    flags: RUN,
    load: async () => (await import('../demo/run-demo.js')).runDemo,
  }),
  ...demoCommand('uri', {
    summary: 'Print the connection string of the demonstration application',
    flags: TARGET,
    load: async () => (await import('../demo/demo-uri.js')).demoUri,
  }),
  ...demoCommand('ping', {
    summary: 'Connect once as the demonstration application does',
    flags: TARGET,
    load: async () => (await import('../demo/ping-formation.js')).pingFormation,
  }),
  ...demoCommand('summary', {
    summary: 'Print what the last demonstration measured',
    flags: TARGET,
    load: async () => (await import('../demo/print-summary.js')).demoSummary,
  }),
];
