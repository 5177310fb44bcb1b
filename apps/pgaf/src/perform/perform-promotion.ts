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
  if (flags.name === undefined && flags.group !== undefined && !(await isOnNode(flags, context)))
    return performFailover({ ...flags, 'allow-data-loss': false }, context);
  await handOver(flags, context, async (asker, place) => {
    const { formation } = place;
    await requireFormation(asker, formation);
    const nodes = await membersOf(asker, formation);
    const wanted = await wantedOf(nodes, flags, place, context);
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

/** Whether the data directory is that of a node, which then is the one to be primary. */
async function isOnNode(flags: PromotionFlags, context: CommandContext): Promise<boolean> {
  try {
    await localNodeId(flags, context);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

async function wantedOf(
  nodes: readonly Member[],
  flags: PromotionFlags,
  place: MonitorPlace,
  context: CommandContext,
): Promise<Member> {
  const { formation } = place;
  const { name, group } = flags;
  if (name !== undefined) return chosenMember(nodes, { name }, { formation, group });
  const id = await localNodeId(flags, context).catch((error: unknown) => {
    // Where there are several groups it is they that are to be chosen from.
    groupOf(nodes, flags, place);
    throw error;
  });
  return chosenMember(nodes, { id }, { formation, group });
}
