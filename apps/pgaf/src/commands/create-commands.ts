import type { Interfaces } from '@oclif/core';
import type { Plugin } from '@pgaf/plugin-api';
import { defineCommand, type AnyCommand, type CommandSpec } from '../command-spec.js';
import { MONITOR_FLAGS, NODE_FLAGS, pluginFlags } from '../create/create-flags.js';

export const CREATE_MONITOR: AnyCommand = defineCommand({
  name: 'create monitor',
  summary: 'Create a monitor',
  flags: MONITOR_FLAGS,
  load: async () => (await import('../create/create-monitor.js')).createTypedMonitor,
});

/** Loads what every `create <role>` needs, before anything is known of the roles. */
export async function loadCreateNode(): Promise<void> {
  await import('../create/create-node.js');
}

/** `create <command>` for each role of the kind. */
export function createCommandsOf(plugin: Plugin): AnyCommand[] {
  return plugin.roles.map((role) => {
    const flags: Interfaces.FlagInput = { ...NODE_FLAGS, ...pluginFlags(role.flags ?? []) };
    const spec: CommandSpec = {
      name: `create ${role.command}`,
      summary: role.summary,
      flags,
      load: async () => {
        const { createTypedNode } = await import('../create/create-node.js');
        return (typed, context) => createTypedNode({ plugin, role }, typed, context);
      },
    };
    return spec as AnyCommand;
  });
}
