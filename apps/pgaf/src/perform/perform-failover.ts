import { EXIT, UserError } from '@pgaf/core/errors';
import type { CommandContext } from '../command-spec.js';
import { requireFormation } from '../known-formation.js';
import type { MonitorFlags, MonitorPlace } from '../reach-monitor.js';
import { membersOf, type Member, type WaitFlags } from './group-news.js';
import { handOver } from './hand-over.js';
import { failOver, failOverAtAnyPrice } from './lossy-failover.js';

export interface FailoverFlags extends MonitorFlags, WaitFlags {
  readonly group?: number | undefined;
  readonly force: boolean;
  readonly 'allow-data-loss': boolean;
}

/** Asks for the switchover of a group and prints every change of state until a new primary stands. */
export async function performFailover(flags: FailoverFlags, context: CommandContext): Promise<void> {
  await handOver(flags, context, async (asker, place) => {
    await requireFormation(asker, place.formation);
    const nodes = await membersOf(asker, place.formation);
    const group = groupOf(nodes, flags, place);
    return {
      members: nodes.filter((node) => node.group === group),
      ask: async () => {
        const where = { formation: place.formation, group, force: flags.force };
        if (flags['allow-data-loss']) return failOverAtAnyPrice(asker, where, context);
        await failOver(asker, where);
        return 'under way';
      },
    };
  });
}

/**
 * --group, else the local node's, else the only one.
 * @throws UserError `which-group`, with the groups that there are.
 */
export function groupOf(
  nodes: readonly Member[],
  flags: Pick<FailoverFlags, 'group'>,
  place: MonitorPlace,
): number {
  const given = flags.group ?? place.group;
  const groups = [...new Set(nodes.map((node) => node.group))];
  if (given !== null && groups.includes(given)) return given;
  if (given === null && groups.length === 1) return groups[0] ?? 0;
  const list = groups.join(', ');
  throw new UserError(
    groups.length === 0
      ? `The formation "${place.formation}" has no nodes.`
      : given === null
        ? `The formation "${place.formation}" has several groups: ${list}.`
        : `The formation "${place.formation}" has no group ${given}.`,
    {
      code: 'which-group',
      exit: EXIT.badArguments,
      hint: groups.length === 0 ? 'Create them with `pgaf create`.' : `Choose with --group: ${list}.`,
    },
  );
}
