import { Flags } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { formation, group, json, monitor, osUser, pgdata } from '../flag-definitions.js';

const MONITOR = { pgdata, monitor, formation, json, 'os-user': osUser };

const watch = Flags.boolean({ summary: 'Show it in the terminal and keep it up to date, as `watch` does' });

export const SHOW_COMMANDS: readonly AnyCommand[] = [
  defineCommand({
    name: 'show state',
    summary: 'Print the nodes of a formation and their states',
    flags: {
      ...MONITOR,
      group,
      local: Flags.boolean({ summary: 'What this node itself knows; the monitor is not asked' }),
      watch,
    },
    load: async () => (await import('../show/show-state.js')).showState,
  }),
  defineCommand({
    name: 'show events',
    summary: 'Print the last events of a formation',
    flags: {
      ...MONITOR,
      group,
      count: Flags.integer({
        char: 'n',
        summary: 'How many',
        default: 10,
        min: 1,
        max: 1_000_000,
        helpValue: 'N',
      }),
      watch,
    },
    load: async () => (await import('../show/show-events.js')).showEvents,
  }),
  defineCommand({
    name: 'show uri',
    summary: 'Print connection strings of the monitor and of formations',
    flags: {
      ...MONITOR,
      formation: Flags.string({ summary: 'Only this formation, or "monitor"', helpValue: 'NAME' }),
    },
    load: async () => (await import('../show/show-uri.js')).showUri,
  }),
  defineCommand({
    name: 'show file',
    summary: 'Print where the files of a node are, or what is in one of them',
    flags: {
      pgdata,
      'os-user': osUser,
      all: Flags.boolean({ char: 'a', summary: 'All of them, which is the default' }),
      config: Flags.boolean({ char: 'c', summary: 'The configuration file' }),
      state: Flags.boolean({ char: 's', summary: 'The state file of a node of a formation' }),
      init: Flags.boolean({ char: 'i', summary: 'The file of an unfinished creation, where there is one' }),
      pid: Flags.boolean({ char: 'p', summary: 'The pid file' }),
      contents: Flags.boolean({ char: 'C', summary: 'Print what is in the file, without its passwords' }),
      json,
    },
    load: async () => (await import('../show/show-file.js')).showFile,
  }),
  defineCommand({
    name: 'show systemd',
    summary: 'Print a systemd unit that runs the service of a node',
    flags: { pgdata, 'os-user': osUser },
    load: async () => (await import('../show/show-systemd.js')).showSystemd,
  }),
  defineCommand({
    name: 'version',
    summary: 'Print versions',
    flags: { json },
    load: async () => (await import('../show-version.js')).showVersion,
  }),
];
