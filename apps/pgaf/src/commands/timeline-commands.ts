import { Flags } from '@oclif/core';
import { defineCommand, type AnyCommand } from '../command-spec.js';
import { formation, group, json, monitor, osUser, pgdata } from '../flag-definitions.js';

const GROUP = { pgdata, monitor, formation, group, 'os-user': osUser };

export const TIMELINE_COMMANDS: readonly AnyCommand[] = [
  defineCommand({
    name: 'show timeline',
    summary: 'Print the timelines of a group, and where its nodes stand on them',
    flags: { ...GROUP, json },
    load: async () => (await import('../timeline/show-timeline.js')).showTimeline,
  }),
  defineCommand({
    name: 'accept timeline',
    summary: 'Decide which of two branches of a group is the real one, while its primary is lost',
    flags: {
      ...GROUP,
      tli: Flags.integer({
        char: 't',
        summary: 'The timeline of that branch',
        helpValue: 'N',
        min: 1,
        max: 2_147_483_647,
      }),
      reason: Flags.string({
        char: 'r',
        summary: 'Who decided it, and why; kept in the events',
        helpValue: 'TEXT',
      }),
    },
    load: async () => (await import('../timeline/accept-timeline.js')).acceptTimeline,
  }),
];
