import { hostAndPort } from '@pgaf/core/host-and-port';
import type { FormationView } from '@pgaf/plugin-api';
import type { DistNode } from './dist-node.js';
import { movesOf, planEdits, type Move } from './plan-edits.js';

/**
 * Says which moves have become due since, while the rows stay as they are: a group failed over, and its clients wait.
 * Those that were due already have been tried.
 */
export function newMovesSince(
  formation: FormationView,
  rows: readonly DistNode[],
): (later: FormationView) => readonly Move[] {
  const due = (view: FormationView): Move[] => movesOf(planEdits(view, rows));
  const tried = new Set(due(formation).map(keyOf));
  return (later) => due(later).filter((move) => !tried.has(keyOf(move)));
}

function keyOf(move: Move): string {
  const to = move.do === 'update' ? `${hostAndPort(move.node.host, move.node.port)}` : 'away';
  return `${move.row.id} ${to}`;
}
