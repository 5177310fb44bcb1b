import { done, retry, type FormationView, type KeeperContext, type Outcome } from '@pgaf/plugin-api';
import { changeNode, whyNot } from './apply-edits.js';
import { changeUnlessUrgent } from './change-unless-urgent.js';
import { unansweredPause } from './answered-pauses.js';
import { DIST_NODES, type DistNode } from './dist-node.js';
import { placesReplaced } from './end-connections.js';
import { moveNodesPast } from './move-past-frozen.js';
import { newMovesSince } from './new-moves.js';
import { movesOf, planEdits, sentenceOf, type Edit } from './plan-edits.js';

/** The moves that are due, which clients wait for; null, or why one of them is yet to be done. */
export async function moveGroups(context: KeeperContext, formation: FormationView): Promise<string | null> {
  const edits = planEdits(formation, await context.sql.query<DistNode>(DIST_NODES));
  const { moved, failed } = await moveNodesPast(
    placesReplaced({ node: context.node, formation }),
    context,
    movesOf(edits),
  );
  for (const edit of moved) await note(context, edit, edit.do === 'park' || edit.drift ? 'event' : 'log');
  // What was left prepared there can be finished.
  if (moved.length > 0) context.runWhileLeader();
  return failed;
}

/** What goes to other nodes; the first that fails is the reason to come again. */
export async function changeTheRest(context: KeeperContext, formation: FormationView): Promise<Outcome> {
  const rows = await context.sql.query<DistNode>(DIST_NODES);
  const newMoves = newMovesSince(formation, rows);
  const isUrgent = (later: FormationView): boolean =>
    newMoves(later).length > 0 || unansweredPause(later) !== null;
  let failed: string | null = null;
  for (const edit of planEdits(formation, rows)) {
    if (edit.do === 'park' || edit.do === 'update') continue;
    // One node that is away is no reason to leave the others out.
    try {
      if (!(await changeUnlessUrgent(context, (session) => changeNode(session, edit), isUrgent)))
        return retry(`${sentenceOf(edit)} is put off: there is something more urgent`);
      await note(context, edit, 'event');
    } catch (error) {
      failed ??= whyNot(edit, error);
    }
  }
  return failed === null ? done : retry(failed);
}

async function note(context: KeeperContext, edit: Edit, where: 'event' | 'log'): Promise<void> {
  context.log(sentenceOf(edit));
  // The monitor may be away; the log has it.
  if (where === 'event') await context.tell(sentenceOf(edit)).catch(() => undefined);
}
