import { retry, type KeeperContext, type Outcome } from '@pgaf/plugin-api';
import { unansweredPause } from './answered-pauses.js';
import { changeTheRest, moveGroups, type Tried } from './bring-in-line.js';
import { endStuckConnections } from './end-connections.js';
import { endSessionsOfReplaced } from './end-sessions.js';
import { holdPause } from './hold-pause.js';
import { answerLeaving } from './let-go.js';
import { lookAsWriter, type LeftAlone } from './look-as-writer.js';
import { PAUSE_FOR } from './pause-request.js';
import { READY } from './plan-edits.js';
import { bringPoolsInLine, sayProxyPort } from './pools.js';
import { sayWhatIsThere } from './said.js';
import { writesDistNode } from './writes-dist-node.js';

/** Brings `pg_dist_node` in line with the formation; does nothing on any other node. */
export async function reconcile(context: KeeperContext): Promise<Outcome> {
  sayProxyPort(context);
  if (!writesDistNode(context.node.id, context.formation)) {
    // It was added, and may be promoted at any time.
    context.say(READY, null);
    context.say(PAUSE_FOR, null);
    return cutOffReplaced(context);
  }
  const moves = await moveAndPause(context);
  if (moves.tag === 'left alone') return retry(moves.reason);
  const { formation, failed } = moves;
  // Before what goes to other nodes.
  const ended = await cutOffReplaced({ ...context, formation });
  const outcome = await changeTheRest(context, formation);
  await answerLeaving(context, formation, outcome.tag === 'done' ? null : outcome.reason);
  await bringPoolsInLine(context);
  await sayWhatIsThere(context);
  if (failed !== null) return retry(failed);
  return outcome.tag === 'done' ? ended : outcome;
}

/** What clients wait for: moves, and a pause that was asked for. */
async function moveAndPause(context: KeeperContext): Promise<Tried | LeftAlone> {
  const moves = await moveGroups(context, context.formation);
  const asked = moves.tag === 'tried' ? unansweredPause(moves.formation) : null;
  if (moves.tag === 'left alone' || !asked) return moves;
  await holdPause({ ...context, formation: moves.formation }, asked);
  const look = await lookAsWriter(context);
  return look.tag === 'left alone' ? look : moveGroups(context, look.formation);
}

/** From here to nodes that were replaced and are silent, and from there to here. */
async function cutOffReplaced(context: KeeperContext): Promise<Outcome> {
  const sessions = await endSessionsOfReplaced(context);
  const connections = await endStuckConnections(context);
  if (connections.tag !== 'done' || sessions === 0) return connections;
  return retry('more sessions of a node that was replaced may be there');
}
