import { Args, Flags } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { formation, group, json, monitor, osUser, pgdata } from '../flag-definitions.js';

const FORMATION = { pgdata, monitor, formation, json, 'os-user': osUser };

const NODE = {
  ...FORMATION,
  name: Flags.string({ summary: 'Name of the node; that of --pgdata unless given', helpValue: 'NAME' }),
};

const getters = async () => import('../settings/get-node-setting.js');
const setters = async () => import('../settings/set-node-setting.js');
const numbers = async () => import('../settings/number-sync-standbys.js');
const policies = async () => import('../settings/partition-policy.js');
const settings = async () => (await import('../settings/formation-settings.js')).formationSettings;

export const SETTINGS_COMMANDS: readonly AnyCommand[] = [
  defineCommand({
    name: 'show settings',
    summary: 'Print the replication settings of a formation',
    flags: FORMATION,
    load: settings,
  }),
  defineCommand({
    name: 'show standby-names',
    summary: 'Print the synchronous_standby_names that the primary of a group is to have',
    flags: { ...FORMATION, group },
    load: async () => (await import('../settings/show-standby-names.js')).showStandbyNames,
  }),
  defineCommand({
    name: 'get formation settings',
    summary: 'Print the replication settings of a formation',
    flags: FORMATION,
    load: settings,
  }),
  defineCommand({
    name: 'get formation number-sync-standbys',
    summary: 'Print how many standbys must have a commit before it is acknowledged',
    flags: FORMATION,
    load: async () => (await numbers()).getNumberSyncStandbys,
  }),
  defineCommand({
    name: 'set formation number-sync-standbys',
    summary: 'Set how many standbys must have a commit before it is acknowledged',
    flags: FORMATION,
    args: {
      number: Args.string({
        description: 'From 0 to one less than the standbys in the quorum',
        required: true,
      }),
    },
    load: async () => (await numbers()).setNumberSyncStandbys,
  }),
  defineCommand({
    name: 'get formation partition-policy',
    summary: 'Print what commits do while a primary and its standby are apart',
    flags: FORMATION,
    load: async () => (await policies()).getPartitionPolicy,
  }),
  defineCommand({
    name: 'set formation partition-policy',
    summary: 'Set what commits do while a primary and its standby are apart',
    flags: FORMATION,
    args: {
      policy: Args.string({
        description: '"availability", which goes on without the standby, or "durability", which waits for it',
        required: true,
      }),
    },
    load: async () => (await policies()).setPartitionPolicy,
  }),
  defineCommand({
    name: 'get node candidate-priority',
    summary: 'Print how much a node is wanted as the next primary',
    flags: NODE,
    load: async () => (await getters()).getCandidatePriority,
  }),
  defineCommand({
    name: 'set node candidate-priority',
    summary: 'Set how much a node is wanted as the next primary',
    flags: NODE,
    args: { priority: Args.string({ description: 'From 0, which is never, to 100', required: true }) },
    load: async () => (await setters()).setCandidatePriority,
  }),
  defineCommand({
    name: 'get node replication-quorum',
    summary: 'Print whether commits may wait for a node',
    flags: NODE,
    load: async () => (await getters()).getReplicationQuorum,
  }),
  defineCommand({
    name: 'set node replication-quorum',
    summary: 'Set whether commits may wait for a node',
    flags: NODE,
    args: { quorum: Args.string({ description: 'true or false', required: true }) },
    load: async () => (await setters()).setReplicationQuorum,
  }),
  defineCommand({
    name: 'get node region',
    summary: 'Print where a node stands',
    flags: NODE,
    load: async () => (await getters()).getRegion,
  }),
  defineCommand({
    name: 'set node region',
    summary: 'Set where a node stands',
    flags: NODE,
    args: { region: Args.string({ description: 'A name', required: true }) },
    load: async () => (await setters()).setRegion,
  }),
  defineCommand({
    name: 'get node metadata',
    summary: 'Print the name of a node and where others reach it',
    flags: NODE,
    load: async () => (await getters()).getMetadata,
  }),
  defineCommand({
    name: 'set node metadata',
    summary: 'Give the node of a data directory another name or address',
    flags: {
      pgdata,
      json,
      'os-user': osUser,
      name: Flags.string({ char: 'n', summary: 'Its name from now on', helpValue: 'NAME' }),
      hostname: Flags.string({
        char: 'H',
        summary: 'How other hosts reach it from now on',
        helpValue: 'HOST',
      }),
      pgport: Flags.string({ char: 'p', summary: 'The port of its Postgres from now on', helpValue: 'PORT' }),
    },
    load: async () => (await import('../settings/set-node-metadata.js')).setNodeMetadata,
  }),
];
