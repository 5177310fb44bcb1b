import { leaderOf } from './group.js';
import { canComeBack, hasStopped, isSilent } from './health.js';
import { isBehindItsNodes } from './restored.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/**
 * Ids of the nodes that must not report between the snapshot of an order that raises the epoch and its commit. It is the
 * one decision that a report in between could make wrong: the candidate's, or the old leader's, which shows that it lives
 * and may have renewed its lease. Not that of a leader which only says again that it has stopped.
 */
export function mustBeUnheard(before: GroupSnapshot, after: GroupSnapshot): readonly number[] {
  const old = leaderOf(before);
  const guarded = old !== null && !saysAgain(before, old) ? old.id : null;
  return [guarded, after.leader].filter((id) => id !== null);
}

/**
 * It opens nothing below the epoch that it has sworn by, whatever it is answered, and in a group in motion it says so every
 * 20 ms. One that is silent or leaves is decided on without what only it has; to hear of it then is news.
 */
function saysAgain(group: GroupSnapshot, leader: NodeSnapshot): boolean {
  return (
    hasStopped(group, leader) && canComeBack(leader) && !isSilent(group, leader) && !isBehindItsNodes(group)
  );
}
