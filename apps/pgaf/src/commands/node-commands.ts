import { Args } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { osUser } from '../flag-definitions.js';

export const NODE_COMMANDS: readonly AnyCommand[] = [
  defineCommand({
    name: 'node run',
    summary: 'Run the node that a file describes: create it when there is none, and follow the file',
    flags: { 'os-user': osUser },
    args: { file: Args.string({ description: 'INI file, /etc/pgaf/node.ini unless told' }) },
    load: async () => (await import('../node/run-node-file.js')).runNodeFile,
  }),
];
