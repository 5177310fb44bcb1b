import { canTakeWrites } from '@pgaf/core/states';
import { retry, type KeeperContext, type Outcome } from '@pgaf/plugin-api';
import { unansweredPause } from './answered-pauses.js';
import { changeTheRest, moveGroups } from './bring-in-line.js';
import { endStuckConnections } from './end-connections.js';
import { holdPause } from './hold-pause.js';
import { answerLeaving } from './let-go.js';
import { PAUSE_FOR } from './pause-request.js';
import { READY } from './plan-edits.js';
import { COORDINATOR_GROUP } from './placement.js';
import { bringPoolsInLine, sayProxyPort } from './pools.js';
import { sayWhatIsThere } from './said.js';

/** The primary of the coordinator is the one writer of `pg_dist_node`. */
export function writesDistNode({ node, formation }: Pick<KeeperContext, 'node' | 'formation'>): boolean {
  const coordinator = formation.groups.find(({ group }) => group === COORDINATOR_GROUP);
  if (!coordinator || coordinator.restored) return false;
  return coordinator.leader === node.id && canTakeWrites(node.reported) && canTakeWrites(node.goal);
}

/** Brings `pg_dist_node` in line with the formation; does nothing on any other node. */
export async function reconcile(context: KeeperContext): Promise<Outcome> {
  sayProxyPort(context);
  if (!writesDistNode(context)) {
    // It was added, and may be promoted at any time.
    context.say(READY, null);
    context.say(PAUSE_FOR, null);
    return endStuckConnections(context);
  }
  let { formation } = context;
  let notMoved = await moveGroups(context, formation);
  const asked = unansweredPause(formation);
  if (asked) {
    await holdPause(context, asked);
    formation = await context.lookAgain();
    notMoved = await moveGroups(context, formation);
  }
  // Before what goes to other nodes.
  const ended = await endStuckConnections({ ...context, formation });
  const outcome = await changeTheRest(context, formation);
  await answerLeaving(context, formation, outcome.tag === 'done' ? null : outcome.reason);
  await bringPoolsInLine(context);
  await sayWhatIsThere(context);
  if (notMoved !== null) return retry(notMoved);
  return outcome.tag === 'done' ? ended : outcome;
}
