import { canTakeWrites } from '@pgaf/core/states';
import type { GroupSnapshot, NodePattern, NodeSnapshot } from './vocabulary.js';

/**
 * Health is two facts: what the keeper says and what the monitor sees. Not seen is never taken for dead:
 * `silent` and `lost` decide who may hold up commits and who may be elected, and only `provedDown`, an
 * acknowledged stop, or the end of the lease (lease.ts) opens the way to a promotion.
 */
export function isSilent(group: GroupSnapshot, node: NodeSnapshot): boolean {
  const heard = Math.max(node.report.at ?? 0, group.timings.serviceStartedAt);
  return group.now - heard > group.timings.silentAfter;
}

/** Its keeper was told to stop Postgres and to end, and has not begun anew since. */
export function isLeaving(node: NodeSnapshot): boolean {
  return node.report.facts.leaving === true;
}

/** It can be told to open: it neither leaves, nor does a disk keep its Postgres from ending, and so from starting. */
export function canComeBack(node: NodeSnapshot): boolean {
  return !isLeaving(node) && node.report.facts.doomed !== true;
}

/** As its keeper says. One that does not answer its keeper and answers the monitor works, on a host that is busy. */
export function runsPostgres({ report, seen }: NodeSnapshot): boolean {
  return report.postgresRunning || (report.facts.hangs === true && seen.health === 'good');
}

/** Says that it runs and stays, was heard of lately, and accepts connections as far as the monitor sees. */
export function isHealthy(group: GroupSnapshot, node: NodeSnapshot): boolean {
  return isUp(group, node) && !isLeaving(node);
}

/** As healthy, but it may be about to leave. */
export function isUp(group: GroupSnapshot, node: NodeSnapshot): boolean {
  return (
    node.report.at !== null && runsPostgres(node) && !isSilent(group, node) && !isOutOfReach(group, node)
  );
}

/** Nobody can count on this node now. */
export function isLost(group: GroupSnapshot, node: NodeSnapshot): boolean {
  return isLeaving(node) || isOutOfReach(group, node);
}

function isOutOfReach(group: GroupSnapshot, node: NodeSnapshot): boolean {
  if (node.report.at !== null && !runsPostgres(node)) return true;
  if (node.seen.health !== 'bad') return false;
  if (node.seen.session === 'closed' || isSilent(group, node)) return true;
  return group.now - node.seen.healthSince >= group.timings.badHealthAfter;
}

export function hasHealth(
  group: GroupSnapshot,
  node: NodeSnapshot,
  health: NonNullable<NodePattern['health']>,
): boolean {
  switch (health) {
    case 'healthy':
      return isHealthy(group, node);
    case 'present':
      return !isLost(group, node);
    case 'lost':
      return isLost(group, node);
    case 'silent':
      return isSilent(group, node);
  }
}

/** The keeper says that Postgres is stopped and stays so below the next epoch. */
export function hasStopped(group: GroupSnapshot, node: NodeSnapshot): boolean {
  const { stopped } = node.report.facts;
  return stopped !== undefined && stopped.belowEpoch > group.epoch;
}

/**
 * Good reason to begin an election, not yet to promote: the keeper's host closed its session and refuses
 * connections to Postgres, or the keeper itself says that Postgres cannot be started. A keeper that stops
 * Postgres because it was told to is waited for: the promise of a standby would cut off the last of its WAL. One
 * that is paused, or was until its last report, has not tried.
 */
export function seemsDown(group: GroupSnapshot, node: NodeSnapshot): boolean {
  if (node.seen.session === 'closed') return node.seen.health === 'bad' && node.seen.refused;
  if (!canTakeWrites(node.goal) || node.report.facts.paused) return false;
  return node.report.at !== null && !runsPostgres(node) && !isSilent(group, node);
}

/**
 * The leader needs no lease to run out, because it is proved down: its keeper's session was closed by its
 * host, its host refuses the monitor *and* the candidate, and the candidate's stream from it ended by EOF or
 * reset. Refused alone is no proof: a busy backend outlives its postmaster for seconds, and the stream tells
 * when the last walsender went. A stream that ended before the leader's last report does not: a leader that no
 * longer hears its standby ends the stream, too, and lives on.
 */
export function provedDown(leader: NodeSnapshot, candidate: NodeSnapshot): boolean {
  const { upstream } = candidate.report.facts;
  return (
    leader.seen.session === 'closed' &&
    leader.seen.health === 'bad' &&
    leader.seen.refused &&
    leader.report.facts.streams?.includes(candidate.id) !== false &&
    upstream !== undefined &&
    upstream.node === leader.id &&
    !upstream.streaming &&
    upstream.closed &&
    upstream.refused
  );
}
