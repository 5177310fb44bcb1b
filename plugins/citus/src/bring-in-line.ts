import { done, retry, type FormationView, type KeeperContext, type Outcome } from '@pgaf/plugin-api';
import { changeNode, whyNot } from './apply-edits.js';
import { awaitCommits } from './await-commits.js';
import { changeUnlessUrgent } from './change-unless-urgent.js';
import { unansweredPause } from './answered-pauses.js';
import { DIST_NODES, type DistNode } from './dist-node.js';
import { placesReplaced } from './end-connections.js';
import { lookAsWriter, type LeftAlone } from './look-as-writer.js';
import { moveNodesPast } from './move-past-frozen.js';
import { newMovesSince } from './new-moves.js';
import { movesOf, planEdits, sentenceOf, type Edit, type Move } from './plan-edits.js';

/** The moves that were due have been tried. */
export interface Tried {
  readonly tag: 'tried';
  /** By which they were due: as it was given, or newer. */
  readonly formation: FormationView;
  /** Why one of them is yet to be done. */
  readonly failed: string | null;
}

/** The moves that are due, which clients wait for. */
export async function moveGroups(context: KeeperContext, given: FormationView): Promise<Tried | LeftAlone> {
  let formation = given;
  let moves = await movesDue(context, formation);
  if (moves.length > 0 && (await awaitCommits(context)) === 'waited') {
    const look = await lookAsWriter(context);
    if (look.tag === 'left alone') return look;
    ({ formation } = look);
    moves = await movesDue(context, formation);
  }
  if (moves.length === 0) return { tag: 'tried', formation, failed: null };
  const places = placesReplaced({ node: context.node, formation });
  const { moved, failed } = await moveNodesPast(places, context, moves);
  for (const edit of moved) await note(context, edit, edit.do === 'park' || edit.drift ? 'event' : 'log');
  // What was left prepared there can be finished.
  if (moved.length > 0) context.runWhileLeader();
  return { tag: 'tried', formation, failed };
}

async function movesDue({ sql }: KeeperContext, formation: FormationView): Promise<readonly Move[]> {
  return movesOf(planEdits(formation, await sql.query<DistNode>(DIST_NODES)));
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
