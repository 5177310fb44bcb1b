import type { FormationView } from '@pgaf/core/formation-view';
import type { Plugin, RemovalRequest } from '@pgaf/plugin-api';
import { PluginError } from '@pgaf/plugin-host/guarded-plugin';
import { isJsonObject } from './json-shapes.js';
import type { CommandContext, CommandHandler } from './command-handlers.js';
import type { Command } from './command-queue.js';
import { inGroup } from './group-commands.js';

const decide = inGroup(({ arguments: { nodeId, force } }) => ({
  kind: 'remove_node',
  node: Number(nodeId),
  force: force === true,
}));

/** Drops a node, unless the formation's kind cannot do without it; by force in any case, and tells what goes with it. */
export const removeNode: CommandHandler = async (context, command) => {
  const formation = await formationOf(context, command);
  if (!formation) return decide(context, command);
  const plugin = context.kinds.plugin(formation.kind);
  const request = { node: Number(command.arguments['nodeId']), group: command.group ?? 0, formation };
  if (command.arguments['force'] === true) {
    const notice = lossOf(plugin, request);
    const decision = await decide(context, command);
    if (notice === null || decision.tag === 'refused' || !isJsonObject(decision.answer)) return decision;
    return { ...decision, answer: { ...decision.answer, notice } };
  }
  const refusal = plugin.validateRemoval?.(request);
  if (refusal) return { tag: 'refused', sqlstate: '55000', message: refusal.reason, hint: refusal.hint };
  return decide(context, command);
};

/** A plugin that cannot tell keeps nobody from dropping a node, which may be the last way out. */
function lossOf({ removalLoss }: Plugin, request: RemovalRequest): string | null {
  try {
    return removalLoss?.(request) ?? null;
  } catch (error) {
    if (error instanceof PluginError) return error.message;
    throw error;
  }
}

async function formationOf(
  { client }: CommandContext,
  { formation }: Command,
): Promise<FormationView | null> {
  const { rows } = await client.query<{ view: FormationView | null }>(
    'SELECT pgautofailover.formation_view($1) AS view',
    [formation],
  );
  return rows[0]?.view ?? null;
}
