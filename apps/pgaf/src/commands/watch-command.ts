import { Flags } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { formation, group, monitor, osUser, pgdata } from '../flag-definitions.js';

export const WATCH_COMMAND: AnyCommand = defineCommand({
  name: 'watch',
  summary: 'Show the nodes and events of a formation, and keep them up to date',
  flags: {
    pgdata,
    monitor,
    formation,
    group,
    wait: Flags.boolean({ char: 'w', summary: 'Wait until the monitor answers' }),
    'os-user': osUser,
  },
  load: async () => (await import('../watch/watch.js')).watch,
});
