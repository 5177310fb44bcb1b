import type { CommandContext, CommandHandler } from './command-handlers.js';
import type { Command } from './command-queue.js';
import { loadFormation } from './registered-nodes.js';
import { requireTerm } from './term.js';
import type { GroupKey } from './group-store.js';
import { refuseUnknownFormation } from './unknown-formation.js';

/** An operator takes nodes into his own hands: a formation's, a group's, or the one that is named. */
export const pauseNodes: CommandHandler = (context, command) => setTo('paused', context, command);

/** Gives them back. */
export const resumeNodes: CommandHandler = (context, command) => setTo('resumed', context, command);

async function setTo(
  wanted: 'paused' | 'resumed',
  { client, term }: CommandContext,
  command: Command,
): ReturnType<CommandHandler> {
  const { formation, group } = command;
  const { name } = command.arguments;
  const paused = wanted === 'paused';
  if (!(await loadFormation(client, formation))) {
    return refuseUnknownFormation('42704', formation);
  }
  const { rows: nodes } = await client.query<{ id: number; name: string; group: number; changed: boolean }>(
    `SELECT nodeid::float8 AS id, nodename AS name, groupid AS "group", paused <> $4 AS changed
     FROM pgautofailover.node
     WHERE formationid = $1 AND ($2::int IS NULL OR groupid = $2) AND ($3::text IS NULL OR nodename = $3)
     ORDER BY nodeid`,
    [formation, group, name, paused],
  );
  if (nodes.length === 0) {
    const which = [
      typeof name === 'string' ? `no node named "${name}"` : 'no node',
      ...(group === null ? [] : [`in group ${group}`]),
    ].join(' ');
    return {
      tag: 'refused',
      sqlstate: '42704',
      message: `formation "${formation}" has ${which}`,
      hint: 'See `pgaf show state` for the nodes there are.',
    };
  }
  return {
    tag: 'accepted',
    answer: nodes.map(({ id, name: own, changed }) => ({ id, name: own, changed })),
    touched: nodes.map((node): GroupKey => ({ formation, group: node.group })),
    write: async () => {
      await requireTerm(client, term);
      for (const { id } of nodes) {
        await client.query('SELECT pgautofailover_private.set_paused($1, $2)', [id, paused]);
      }
    },
  };
}
