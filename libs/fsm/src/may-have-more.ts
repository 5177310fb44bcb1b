import { maxLsn, type Lsn } from '@pgaf/core/lsn';
import { canTakeWrites, type State } from '@pgaf/core/states';
import { isHealthy, isLeaving, isSilent } from './health.js';
import type { Position } from './quorum.js';
import { HAS_STOPPED } from './stopped-before.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/**
 * Whoever removes a leader by force gives up what only that node has. What it had together with a node that is still in
 * the group is not given up, also while nobody can have it from there now: the primary before it wrote each commit of its
 * own epoch, and a standby that is away may have received it. With the leader's row goes what it had promised, and the
 * settings of the epoch before went with the order to promote it; so what is left is who led, and where the timeline of
 * each was left.
 */

/** A standby in one of these has its data, whole. */
const STANDBY: ReadonlySet<State> = new Set([
  'secondary',
  'join_secondary',
  'report_lsn',
  'prepare_promotion',
]);

/** Up to where a node may have acknowledged commits. Where it was killed, nobody knows. */
interface End {
  readonly tli: number;
  readonly lsn: Lsn | 'unknown';
}

/**
 * A node that nobody can receive from now, and that may have acknowledged commits beyond this position. Null when there
 * is none, while somebody leads, and where an operator has accepted that loss, too.
 */
export function whoMayHaveMore(group: GroupSnapshot, position: Position): NodeSnapshot | null {
  return group.nodes.find((node) => mayHaveMore(group, node, position)) ?? null;
}

/** The same of one node. */
export function mayHaveMore(group: GroupSnapshot, node: NodeSnapshot, position: Position): boolean {
  if (group.leader !== null || group.switchoverForced || node.report.facts.strayed) return false;
  if (ledBefore(group, node)) return reachesBeyond(group, endOfLeader(node), position);
  const end = endOfAbsent(group, node);
  // Who is on a later timeline is waited for as long as the group may be on it.
  return end?.tli === position.tli && reachesBeyond(group, end, position);
}

/** It led an epoch before the one that was given up, and was told nothing since but to stop. */
export function ledBefore(group: GroupSnapshot, { goal, reported, report }: NodeSnapshot): boolean {
  if (goal !== 'demoted') return false;
  const last = group.lineage.at(-1);
  // It is who was given up itself, its row kept.
  if (last?.epoch === group.epoch && report.tli >= last.tli) return false;
  // It may have heard of the next epoch before it stops; who began that says so.
  if (canTakeWrites(reported)) return report.facts.promoted?.epoch !== group.epoch;
  return HAS_STOPPED.has(reported);
}

/** What a primary said last came before its last commits; only where it says that it stopped in good order is known. */
function endOfLeader({ reported, report: { tli, facts } }: NodeSnapshot): End {
  const finalLsn = HAS_STOPPED.has(reported) ? facts.stopped?.finalLsn : null;
  return { tli, lsn: finalLsn ?? 'unknown' };
}

/** Of a standby that is there its promise tells. */
function endOfAbsent(group: GroupSnapshot, node: NodeSnapshot): End | null {
  if (isHealthy(group, node) || !STANDBY.has(node.reported) || node.goal === 'dropped') return null;
  const { tli, lsn, facts } = node.report;
  const promised = facts.promise?.tli === tli ? facts.promise.lsn : 0n;
  return { tli, lsn: maxLsn(lsn, promised) };
}

/** No commit lies beyond the point where the group went on to a later timeline. */
function reachesBeyond({ lineage }: GroupSnapshot, end: End, { tli, lsn }: Position): boolean {
  if (end.tli !== tli) return end.tli > tli;
  const left = lineage.find((later) => later.tli > tli && later.switchpoint !== null)?.switchpoint;
  if (left !== undefined && left !== null && lsn >= left) return false;
  return end.lsn === 'unknown' || end.lsn > lsn;
}

/** How the node that is waited for can be had back, in the words of a sentence that names it. */
export function howToHaveItBack(group: GroupSnapshot, node: NodeSnapshot): string {
  const or = 'or drop it and lose what only it has';
  if (isSilent(group, node) || isLeaving(node)) return `is away: start it, ${or}`;
  const opens = ledBefore(group, node) && !canTakeWrites(node.reported);
  if (opens && node.candidatePriority === 0)
    return `has candidate priority 0: give it another one so that it opens again, ${or}`;
  return `is not well: mend it, ${or}`;
}
