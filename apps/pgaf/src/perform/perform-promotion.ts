import { UserError } from '@pgaf/core/errors';
import type { CommandContext } from '../command-spec.js';
import { requireFormation } from '../known-formation.js';
import type { MonitorFlags, MonitorPlace } from '../reach-monitor.js';
import { localNodeId } from '../chosen-node.js';
import { chosenMember } from './chosen-member.js';
import { membersOf, type Member, type WaitFlags } from './group-news.js';
import { handOver } from './hand-over.js';
import { groupOf, performFailover } from './perform-failover.js';

export interface PromotionFlags extends MonitorFlags, WaitFlags {
  readonly name?: string | undefined;
  readonly group?: number | undefined;
  readonly force: boolean;
}

/**
 * Asks for the switchover to the node that --name names, else to the one of the data directory, else to the best of
 * --group, and prints every change of state until it is primary.
 */
export async function performPromotion(flags: PromotionFlags, context: CommandContext): Promise<void> {
  const named = flags.name === undefined ? await nodeHere(flags, context) : { name: flags.name };
  if (named instanceof UserError && flags.group !== undefined)
    return performFailover({ ...flags, 'allow-data-loss': false }, context);
  await handOver(flags, context, async (asker, place) => {
    const { formation } = place;
    await requireFormation(asker, formation);
    const nodes = await membersOf(asker, formation);
    const wanted = wantedOf(nodes, flags, place, named);
    return {
      members: nodes.filter(({ group }) => group === wanted.group),
      ask: async () => {
        const [row] = await asker.query<{ promoted: boolean }>(
          'SELECT pgautofailover.perform_promotion($1, $2, $3) AS promoted',
          [formation, wanted.name, flags.force],
        );
        return row?.promoted === true ? 'under way' : 'nothing to do';
      },
    };
  });
}

/** The node of the data directory; why it is not known where the directory is no node's. */
async function nodeHere(flags: PromotionFlags, context: CommandContext): Promise<{ id: number } | UserError> {
  try {
    return { id: await localNodeId(flags, context) };
  } catch (error) {
    if (error instanceof UserError && error.code === 'which-node') return error;
    throw error;
  }
}

function wantedOf(
  nodes: readonly Member[],
  flags: PromotionFlags,
  place: MonitorPlace,
  named: { name: string } | { id: number } | UserError,
): Member {
  const { formation } = place;
  if (!(named instanceof UserError)) return chosenMember(nodes, named, { formation, group: flags.group });
  // Where there are several groups it is they that are to be chosen from.
  groupOf(nodes, flags, place);
  throw named;
}
