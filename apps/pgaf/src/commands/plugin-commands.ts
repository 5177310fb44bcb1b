import { Flags, type Interfaces } from '@oclif/core';
import type { CommandDefinition, FlagDefinition, Plugin } from '@pgaf/plugin-api';
import type { AnyCommand, CommandContext, CommandSpec } from '../command-spec.js';
import { formation, json, monitor, pgdata } from '../flag-definitions.js';
import { jsonText } from '../output/json-text.js';
import { withMonitor, type MonitorFlags } from '../reach-monitor.js';
import { createCommandsOf } from './create-commands.js';

/** All commands that a plugin brings: one to create each of its roles, and its own. */
export function commandsOf(plugin: Plugin): AnyCommand[] {
  return [...createCommandsOf(plugin), ...(plugin.commands ?? []).map(ownCommand)];
}

function ownCommand(definition: CommandDefinition): AnyCommand {
  const own = Object.fromEntries((definition.flags ?? []).map((flag) => [flag.name, oclifFlag(flag)]));
  const spec: CommandSpec = {
    name: definition.name,
    summary: definition.summary,
    flags: { pgdata, monitor, formation, json, ...own },
    load: async () => (flags, context) => runOwn(definition, flags, context),
  };
  return spec as AnyCommand;
}

function oclifFlag(flag: FlagDefinition): Interfaces.FlagInput[string] {
  const common = {
    summary: flag.env === undefined ? flag.summary : `${flag.summary} (${flag.env})`,
    ...(flag.env === undefined ? {} : { env: flag.env }),
  };
  switch (flag.type) {
    case 'boolean':
      return Flags.boolean({ ...common, default: flag.default === true });
    case 'integer':
      return Flags.integer({
        ...common,
        ...(typeof flag.default === 'number' ? { default: flag.default } : {}),
      });
    case 'text':
      return Flags.string({
        ...common,
        ...(typeof flag.default === 'string' ? { default: flag.default } : {}),
      });
  }
}

/** What it prints is its own affair; with --json the value that it ends with is printed instead. */
async function runOwn(
  definition: CommandDefinition,
  flags: MonitorFlags & { readonly json?: boolean | undefined; readonly [name: string]: unknown },
  context: CommandContext,
): Promise<void> {
  const run = await definition.run();
  await withMonitor(flags, context, async (session, place) => {
    const value = await run({
      flags: flags as Readonly<Record<string, string | number | boolean | undefined>>,
      formation: place.formation,
      node: place.node,
      monitor: session,
      print: (line) => {
        if (!flags.json) context.print(`${line}\n`);
      },
    });
    if (flags.json) context.print(jsonText(value));
  });
}
