import type { Milliseconds } from '@pgaf/core/durations';
import { DEFAULT_LEASE } from './default-timings.js';
import { followersOf } from './group.js';
import { isSilent } from './health.js';
import { promisedNodes } from './quorum.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/**
 * When a silent leader takes no writes any more although nothing proves that it is down.
 *
 * A leader takes writes only while it holds a lease: until `lease` after it sent the last report that the monitor
 * granted, or after it wrote the newest WAL message that enough standbys have flushed, as none of them promised.
 * Both lie at or before what the monitor knows: its last contact, and for each promise the last message that came
 * to that standby. For every set of standbys that could witness holds one that promised (see quorum.ts).
 */

/** A standby that heard from the leader within this share of the lease vetoes an election. */
const FRESH = 0.75;

/** Nobody hears of it: reason to begin an election, so that the promises are there when the lease is over. */
export function seemsGone(group: GroupSnapshot, leader: NodeSnapshot): boolean {
  return isOutOfSight(group, leader) && standbyThatHears(group, leader) === null;
}

/** A standby to which something came from the leader lately: the leader lives, though the monitor sees nothing of it. */
export function standbyThatHears(group: GroupSnapshot, leader: NodeSnapshot): NodeSnapshot | null {
  const fresh = FRESH * (leader.report.facts.lease ?? 0);
  return (
    followersOf(group).find((node) => {
      const { upstream } = node.report.facts;
      return upstream?.node === leader.id && upstream.streaming && group.now - heardAt(node) < fresh;
    }) ?? null
  );
}

/** The lease of the leader is over, and so is the time that it may take to stop Postgres. */
export function leaseIsOver(group: GroupSnapshot, leader: NodeSnapshot): boolean {
  const over = leaseEnd(group, leader);
  return over !== null && isOutOfSight(group, leader) && group.now >= over;
}

/** When it will be over unless something is heard of the leader before; null when it holds itself to none. */
export function leaseEnd(group: GroupSnapshot, leader: NodeSnapshot): Milliseconds | null {
  const { at, facts } = leader.report;
  if (facts.lease === undefined || at === null) return null;
  // Who fast-forwards hears from another one, and has been heard of before.
  const listeners = promisedNodes(group).filter(
    ({ report }) => (report.facts.upstream?.node ?? leader.id) === leader.id,
  );
  const heard = Math.max(at, group.timings.serviceStartedAt, ...listeners.map(heardAt));
  return heard + facts.lease + group.timings.leaseMargin;
}

/** A leader that cannot be reached, and that has said that it holds itself to a lease. */
function isOutOfSight(group: GroupSnapshot, leader: NodeSnapshot): boolean {
  return leader.report.facts.lease !== undefined && isSilent(group, leader) && leader.seen.health === 'bad';
}

/** Nothing has come to this standby since. */
export function heardAt({ report }: NodeSnapshot): Milliseconds {
  return (report.at ?? 0) - (report.facts.quietFor ?? 0);
}

/**
 * When something last came from this node to a standby that streamed from it; null when none did. A standby that its
 * host turned away has heard the last of it.
 */
export function lastHeardOf(group: GroupSnapshot, leader: number): Milliseconds | null {
  const listeners = group.nodes.filter(({ report: { facts } }) => {
    const { upstream } = facts;
    if (upstream?.node !== leader || facts.quietFor === undefined) return false;
    return upstream.streaming || !upstream.closed || !upstream.refused;
  });
  return listeners.length === 0 ? null : Math.max(...listeners.map(heardAt));
}

/** The longest that a node of the group holds a lease without a renewal, for a leader that has not said how long it does. */
export function longestLease(group: GroupSnapshot): Milliseconds {
  return Math.max(DEFAULT_LEASE, ...group.nodes.map(({ report }) => report.facts.leaseAsLeader ?? 0));
}
