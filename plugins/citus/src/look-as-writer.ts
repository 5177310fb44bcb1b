import type { Milliseconds } from '@pgaf/core/durations';
import type { FormationView, KeeperContext } from '@pgaf/plugin-api';
import { lookBy } from './look-by.js';
import { writesDistNode } from './writes-dist-node.js';

/** A monitor that takes longer is frozen; the next heartbeat comes again. */
const SILENCE: Milliseconds = 2000;

/** It must not change `pg_dist_node` any more, or cannot know by what. */
export interface LeftAlone {
  readonly tag: 'left alone';
  readonly reason: string;
}

/**
 * The formation as it is now, for who has waited: what it saw before may be over, and another group have failed over. So
 * may this node’s own, whose successor changes the table then.
 */
export async function lookAsWriter(
  context: Pick<KeeperContext, 'node' | 'lookAgain' | 'signal'>,
): Promise<{ readonly tag: 'writer'; readonly formation: FormationView } | LeftAlone> {
  const formation = await lookBy(context, performance.now() + SILENCE);
  if (context.signal.aborted) return leftAlone('the coordinator’s keeper ends');
  if (formation === null) return leftAlone('the monitor does not say what the formation is now');
  if (!writesDistNode(context.node.id, formation))
    return leftAlone('this node is not the coordinator any more, or makes way');
  return { tag: 'writer', formation };
}

function leftAlone(reason: string): LeftAlone {
  return { tag: 'left alone', reason };
}
