import { Flags } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { json, osUser, pgdata } from '../flag-definitions.js';

const ROLE = {
  pgdata,
  'os-user': osUser,
  kind: Flags.string({
    char: 'k',
    summary: 'Kind of formation; that of the node unless given',
    helpValue: 'KIND',
  }),
  role: Flags.string({ summary: 'Role of the node in its kind', helpValue: 'ROLE' }),
};
const load = async () => import('../inspect/inspect-fsm.js');

export const INSPECT_COMMANDS: readonly AnyCommand[] = [
  defineCommand({
    name: 'inspect fsm list',
    summary: 'Print the ways from the state of a node, or all ways, with their steps',
    flags: { ...ROLE, json },
    load: async () => (await load()).listFsm,
  }),
  defineCommand({
    name: 'inspect fsm check',
    summary: 'Check that keepers know a way to whatever the monitor can assign',
    flags: { pgdata, 'os-user': osUser, json },
    load: async () => (await load()).checkFsm,
  }),
  defineCommand({
    name: 'inspect fsm mermaid',
    summary: 'Print the state machine as a Mermaid diagram',
    flags: ROLE,
    load: async () => (await load()).drawFsm,
  }),
];
