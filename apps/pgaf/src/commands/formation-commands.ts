import { Flags } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { formation, group, json, monitor, osUser, pgdata, waitSeconds } from '../flag-definitions.js';

const force = Flags.boolean({
  summary: 'End a transaction of a client that would have it given up, in a formation where one can',
  default: false,
});

const FAILOVER = {
  pgdata,
  monitor,
  formation,
  group,
  json,
  'os-user': osUser,
  wait: waitSeconds('Seconds to wait for the new primary; 0 does not wait'),
  force,
  'allow-data-loss': Flags.boolean({
    char: 'A',
    summary: 'Give up what only a lost primary has, where nobody can take over otherwise',
    default: false,
  }),
};
const failover = async () => (await import('../perform/perform-failover.js')).performFailover;

const PAUSE = {
  pgdata,
  monitor,
  'os-user': osUser,
  formation: Flags.string({
    char: 'f',
    summary: 'All nodes of this formation, unless --group or --name say which',
    helpValue: 'NAME',
  }),
  group: Flags.integer({ char: 'g', summary: 'All nodes of this group', helpValue: 'N', min: 0 }),
  name: Flags.string({ summary: 'The node of this name', helpValue: 'NAME' }),
  json,
};

const FORMATION = {
  pgdata,
  monitor,
  'os-user': osUser,
  formation: Flags.string({ char: 'f', summary: 'Name of the formation', helpValue: 'NAME' }),
};
const formations = async () => import('../formation/formation.js');

export const FORMATION_COMMANDS: readonly AnyCommand[] = [
  defineCommand({
    name: 'create formation',
    summary: 'Create a formation, which has no nodes yet',
    flags: {
      ...FORMATION,
      kind: Flags.string({ char: 'k', summary: 'Kind of the formation, such as "pgsql"', helpValue: 'KIND' }),
      dbname: Flags.string({
        char: 'd',
        summary: 'Database of the application',
        helpValue: 'NAME',
        default: 'postgres',
      }),
      'enable-secondary': Flags.boolean({
        char: 's',
        summary: 'Nodes can have standbys, which is the default',
      }),
      'disable-secondary': Flags.boolean({ char: 'S', summary: 'Nodes have no standbys' }),
      'number-sync-standbys': Flags.integer({
        char: 'n',
        summary: 'How many standbys must have a commit before it is acknowledged',
        helpValue: 'N',
        min: 0,
        max: 2_147_483_647,
        default: 0,
      }),
    },
    load: async () => (await formations()).createFormation,
  }),
  defineCommand({
    name: 'drop formation',
    summary: 'Remove a formation that has no nodes',
    flags: FORMATION,
    load: async () => (await formations()).dropFormation,
  }),
  defineCommand({
    name: 'enable secondary',
    summary: 'Let the nodes of a formation have standbys',
    flags: { ...FORMATION, formation },
    load: async () => (await formations()).enableSecondary,
  }),
  defineCommand({
    name: 'disable secondary',
    summary: 'Let the nodes of a formation have no standbys',
    flags: { ...FORMATION, formation },
    load: async () => (await formations()).disableSecondary,
  }),
  defineCommand({
    name: 'perform failover',
    summary: 'Hand the primary over to a standby',
    flags: FAILOVER,
    load: failover,
  }),
  defineCommand({
    name: 'perform switchover',
    summary: 'Hand the primary over to a standby',
    flags: FAILOVER,
    load: failover,
  }),
  defineCommand({
    name: 'perform promotion',
    summary: 'Hand the primary over to a certain standby',
    flags: {
      pgdata,
      monitor,
      formation,
      json,
      'os-user': osUser,
      name: Flags.string({
        summary: 'The node that is to be primary; else that of --pgdata, else the best one of --group',
        helpValue: 'NAME',
      }),
      group,
      wait: FAILOVER.wait,
      force,
    },
    load: async () => (await import('../perform/perform-promotion.js')).performPromotion,
  }),
  defineCommand({
    name: 'drop node',
    summary: 'Remove a node from its formation, this one or one by name',
    flags: {
      pgdata,
      monitor,
      'os-user': osUser,
      formation: Flags.string({ summary: 'Formation of the node to drop', helpValue: 'NAME' }),
      name: Flags.string({ summary: 'Name of the node to drop', helpValue: 'NAME' }),
      hostname: Flags.string({ char: 'n', summary: 'Host of the node to drop', helpValue: 'HOST' }),
      pgport: Flags.integer({
        char: 'p',
        summary: 'Port of the node to drop',
        helpValue: 'PORT',
        min: 1,
        max: 65_535,
      }),
      destroy: Flags.boolean({ char: 'd', summary: 'Also remove the data directory and the configuration' }),
      force: Flags.boolean({
        char: 'F',
        summary: 'Forget a node that cannot take part any more',
        default: false,
      }),
      wait: waitSeconds('Seconds to wait until it is gone; 0 does not wait'),
      'no-wait': Flags.boolean({ summary: 'Do not wait until it is gone' }),
    },
    load: async () => (await import('../drop/drop-node.js')).dropNode,
  }),
  defineCommand({
    name: 'drop monitor',
    summary: 'Stop a monitor that no node is registered at any more',
    flags: {
      pgdata,
      'os-user': osUser,
      destroy: Flags.boolean({ char: 'd', summary: 'Also remove the data directory and the configuration' }),
      force: Flags.boolean({
        summary: 'Also when nodes are registered, which then go on without a monitor',
        default: false,
      }),
    },
    load: async () => (await import('../drop/drop-monitor.js')).dropMonitor,
  }),
  defineCommand({
    name: 'pause',
    summary: 'Take a node into your own hands: no failover without an order, and no restart of its Postgres',
    flags: {
      ...PAUSE,
      wait: waitSeconds('Seconds to wait until the services of the nodes know; 0 does not wait'),
    },
    load: async () => (await import('../pause/pause-nodes.js')).pauseNodes,
  }),
  defineCommand({
    name: 'resume',
    summary: 'Give a paused node back',
    flags: PAUSE,
    load: async () => (await import('../pause/pause-nodes.js')).resumeNodes,
  }),
];
