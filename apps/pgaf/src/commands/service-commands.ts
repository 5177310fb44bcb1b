import { Flags } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { json, osUser, pgdata, waitSeconds } from '../flag-definitions.js';

const NODE = { pgdata, 'os-user': osUser };

export const SERVICE_COMMANDS: readonly AnyCommand[] = [
  defineCommand({
    name: 'run',
    summary: 'Run the service of a monitor or a node',
    flags: {
      ...NODE,
      name: Flags.string({ char: 'n', summary: 'Rename the node first', helpValue: 'NAME' }),
      hostname: Flags.string({
        char: 'H',
        summary: 'Change how other hosts reach it first',
        helpValue: 'HOST',
      }),
      pgport: Flags.string({
        char: 'p',
        summary: 'Change the port of its Postgres first',
        helpValue: 'PORT',
      }),
      json: Flags.boolean({ char: 'J', summary: 'Log in JSON, also to a terminal' }),
      force: Flags.boolean({
        summary: 'Open a primary without the monitor, which confirms otherwise that it still is the primary',
        default: false,
      }),
    },
    load: async () => (await import('../service/run-service.js')).runNode,
  }),
  defineCommand({
    name: 'stop',
    summary: 'Stop the service of a node',
    flags: {
      ...NODE,
      fast: Flags.boolean({ char: 'f', summary: 'Stop fast, without handing over first (SIGINT)' }),
      immediate: Flags.boolean({ char: 'i', summary: 'Stop at once, without a checkpoint (SIGQUIT)' }),
      'keep-postgres': Flags.boolean({
        summary:
          'Stop the service alone; the next one adopts its Postgres, as for an upgrade of pgaf (SIGUSR2)',
      }),
      wait: waitSeconds('Seconds to wait until it has ended; 0 does not wait'),
    },
    load: async () => (await import('../service/stop-service.js')).stopService,
  }),
  defineCommand({
    name: 'reload',
    summary: 'Tell the service of a node to reload (SIGHUP)',
    flags: NODE,
    load: async () => (await import('../service/reload-service.js')).reloadService,
  }),
  defineCommand({
    name: 'status',
    summary: 'Print whether the service of a node and its Postgres run',
    flags: { ...NODE, json },
    load: async () => (await import('../service/service-status.js')).serviceStatus,
  }),
  defineCommand({
    name: 'ready',
    summary:
      'Say whether a node takes part, for health checks: its service runs, and clients can work with it',
    flags: NODE,
    load: async () => (await import('../service/is-ready.js')).isReady,
  }),
];
