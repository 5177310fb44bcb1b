import { Flags } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { formation, json, monitor, osUser, pgdata, waitSeconds } from '../flag-definitions.js';

const NODE = {
  pgdata,
  monitor,
  formation,
  json,
  'os-user': osUser,
  name: Flags.string({ summary: 'Name of the node; that of --pgdata unless given', helpValue: 'NAME' }),
};

const load = async () => import('../maintenance/maintenance.js');

export const MAINTENANCE_COMMANDS: readonly AnyCommand[] = [
  defineCommand({
    name: 'enable maintenance',
    summary: 'Take a node out of service, so that its Postgres can be stopped by hand',
    flags: {
      ...NODE,
      'allow-failover': Flags.boolean({ char: 'A', summary: 'Also a primary: a standby takes over first' }),
      wait: waitSeconds('Seconds to wait until it is out of service; 0 does not wait'),
    },
    load: async () => (await load()).enableMaintenance,
  }),
  defineCommand({
    name: 'disable maintenance',
    summary: 'Take a node back into service',
    flags: { ...NODE, wait: waitSeconds('Seconds to wait until it follows again; 0 does not wait') },
    load: async () => (await load()).disableMaintenance,
  }),
];
