import type { State } from '@pgaf/core/states';
import { isLeaving, isSilent } from './health.js';
import type { Position } from './quorum.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/** Where a leader is that was told to stop, and has. */
export const HAS_STOPPED: ReadonlySet<State> = new Set([
  'draining',
  'demote_timeout',
  'prepare_maintenance',
  'demoted',
]);
/** It is to come back, as a standby of whoever leads. */
const RETURNS: ReadonlySet<State> = new Set(['demoted', 'catchingup']);

/**
 * Up to where a leader of an earlier epoch wrote that stopped in good order, has not changed its data since, and is
 * there: where the one that took over was given up, it may have what nobody else has. Null of any other node.
 */
export function endOfStopped(group: GroupSnapshot, node: NodeSnapshot): Position | null {
  const { facts, tli } = node.report;
  const lsn = facts.stopped?.finalLsn ?? null;
  if (lsn === null || !HAS_STOPPED.has(node.reported) || !RETURNS.has(node.goal)) return null;
  return isSilent(group, node) || isLeaving(node) ? null : { tli, lsn };
}

/** The node that stopped with WAL beyond this position; null when none did. */
export function stoppedBeyond(group: GroupSnapshot, { tli, lsn }: Position): NodeSnapshot | null {
  const beyond = group.nodes.find((node) => {
    const end = endOfStopped(group, node);
    return end !== null && (end.tli > tli || (end.tli === tli && end.lsn > lsn));
  });
  return beyond ?? null;
}
