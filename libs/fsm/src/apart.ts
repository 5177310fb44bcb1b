import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites } from '@pgaf/core/states';
import { designate, leaderOf, nodeOf } from './group.js';
import { isLost, isSilent, isUp } from './health.js';
import { heardAt } from './lease.js';
import { newestSetting } from './quorum.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/** `wal_receiver_timeout` of our settings: a standby asks a quiet primary at half of it, and ends the stream at it. */
const STREAM_IS_OVER: Milliseconds = 5000;

/**
 * The monitor hears of the leader and of this standby, and nothing of the leader has come to the standby for so long
 * that no stream is left: the two are apart, and commits would wait for as long as they are.
 */
export function isApartFromLeader(group: GroupSnapshot, node: NodeSnapshot): boolean {
  const leader = leaderOf(group);
  if (!leader || !isUp(group, leader) || !canTakeWrites(leader.reported) || isSilent(group, node))
    return false;
  // Nobody hears of it: the standby that is given up then may be the one that must take over.
  if (leader.seen.health === 'bad') return false;
  return hearsNobody(group, node);
}

/** Whoever leads, nothing has come to this standby for so long that no stream is left. */
export function hearsNobody(group: GroupSnapshot, node: NodeSnapshot): boolean {
  return node.report.facts.quietFor !== undefined && group.now - heardAt(node) >= STREAM_IS_OVER;
}

/**
 * Why commits wait although the leader is well: a sentence for each standby that does not acknowledge them, when too few
 * others do. The formation asked for that, by `number_sync_standbys` or its partition policy.
 */
export function whatCommitsWaitFor(group: GroupSnapshot): string[] {
  const { required, members } = newestSetting(group) ?? { required: 0, members: [] };
  const leader = leaderOf(group);
  if (!leader || !canTakeWrites(leader.reported)) return [];
  const known = members.flatMap((id) => nodeOf(group, id) ?? []);
  const apart = known.filter((node) => isApartFromLeader(group, node));
  const lost = known.filter((node) => !apart.includes(node) && isLost(group, node));
  if (known.length - apart.length - lost.length >= required) return [];
  return [
    ...apart.map((node) => `commits wait for ${designate(node)}: nothing of the primary reaches it`),
    ...lost.map((node) => `commits wait for ${designate(node)}: it is out of reach`),
  ];
}
