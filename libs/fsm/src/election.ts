import type { Milliseconds } from '@pgaf/core/durations';
import type { State } from '@pgaf/core/states';
import { hasDiverged } from '@pgaf/core/timeline';
import { isReadReplica } from './candidate-priority.js';
import { followersOf, isConverged, leaderOf, nodeOf } from './group.js';
import { isHealthy } from './health.js';
import {
  missingPromises,
  obstacleAt,
  obstacleToPromotion,
  promisedNodes,
  promiseOf,
  lineOf,
  type Position,
} from './quorum.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/** States of a standby that runs: it has promised, or would when it is asked to. */
const CAN_PROMISE: ReadonlySet<State> = new Set([
  'catchingup',
  'secondary',
  'join_secondary',
  'report_lsn',
  'fast_forward',
  'prepare_promotion',
]);

/** A node of higher priority that was asked to promise is waited for so long; usually it takes some 0.1 s. */
const PROMISE_TAKES: Milliseconds = 1000;

/** A standby that has promised, is about to, or would. Who was opened by hand promises nothing more. */
export function canPromise(node: NodeSnapshot): boolean {
  const { strayed, promise } = node.report.facts;
  if (strayed && promise === undefined) return false;
  return CAN_PROMISE.has(node.reported) && CAN_PROMISE.has(node.goal);
}

/** Followers that a handover may choose now, the best first: priority, then position, then id. */
export function candidatesOf(group: GroupSnapshot): NodeSnapshot[] {
  return followersOf(group)
    .filter((node) => node.candidatePriority > 0 && isHealthy(group, node))
    .filter((node) => isConverged(node, 'secondary', 'prepare_promotion'))
    .sort((a, b) => byRank(a, b, a.report.lsn, b.report.lsn));
}

/** The follower that takes over: the one that the operator named, else the best. */
export function successorOf(group: GroupSnapshot): NodeSnapshot | null {
  const candidates = candidatesOf(group);
  if (group.switchoverTarget !== null) {
    const target = candidates.find((node) => node.id === group.switchoverTarget);
    if (target) return target;
  }
  return candidates[0] ?? null;
}

/** Whom an election chooses of the nodes that promised. */
export interface Choice {
  readonly node: NodeSnapshot;
  /** What it lacks it receives from there first; null when nothing is to be had that it lacks. */
  readonly source: NodeSnapshot | null;
}

/**
 * The node of the highest priority that may be promoted, if need be after it received what it lacks. Null while the
 * promotion rule holds for nobody, and for the moment that a better one needs to promise.
 */
export function choiceOf(group: GroupSnapshot): Choice | null {
  const reach = (node: NodeSnapshot): Position | null => {
    const own = promiseOf(group, node);
    const furthest = furthestFor(group, node);
    if (own === null || furthest === null || !lacks(own, furthest.position)) return own;
    return canReceive(group, own, furthest.position) ? furthest.position : null;
  };
  const able = followersOf(group)
    .filter((node) => node.candidatePriority > 0 && isHealthy(group, node) && isConverged(node, 'report_lsn'))
    .filter((node) => {
      const position = reach(node);
      return position !== null && obstacleAt(group, node, position) === null;
    })
    .sort((a, b) => byRank(a, b, lsnOf(group, a), lsnOf(group, b)));
  const [node] = able;
  if (!node || isBetterOneOnItsWay(group, node)) return null;
  const own = promiseOf(group, node);
  const furthest = furthestFor(group, node);
  const source = furthest !== null && own !== null && lacks(own, furthest.position) ? furthest.node : null;
  return { node, source };
}

interface Furthest {
  readonly node: NodeSnapshot;
  readonly position: Position;
}

/** The node that has most, of those that promised, can be reached, and are on the group's timeline. */
export function furthestOf(group: GroupSnapshot): Furthest | null {
  return furthestAmong(group, promisedNodes(group));
}

/** The same of those that the node has not tried in vain to receive from. */
function furthestFor(group: GroupSnapshot, node: NodeSnapshot): Furthest | null {
  // Where it would receive is what somebody wrote there.
  if (node.report.facts.strayed) return null;
  return furthestAmong(
    group,
    promisedNodes(group).filter(({ id }) => !getsNothingFrom(node, id)),
  );
}

function furthestAmong(group: GroupSnapshot, nodes: readonly NodeSnapshot[]): Furthest | null {
  const { tli: timeline } = lineOf(group);
  const [best] = nodes
    .filter((node) => node.id !== group.leader && isHealthy(group, node) && isConverged(node, 'report_lsn'))
    .flatMap((node) => {
      const position = promiseOf(group, node);
      return position?.tli === timeline ? [{ node, position }] : [];
    })
    .sort((a, b) => compare(b.position.lsn, a.position.lsn) || a.node.id - b.node.id);
  return best ?? null;
}

/** The source of the node that fast-forwards has nothing to give any more, or nothing comes from it. */
export function isSourceLost(group: GroupSnapshot, node: NodeSnapshot): boolean {
  // It receives nothing then, as `furthestFor` says.
  if (node.report.facts.strayed) return true;
  const source = group.walSource === null ? null : nodeOf(group, group.walSource);
  if (!source || !isHealthy(group, source) || !isConverged(source, 'report_lsn')) return true;
  return getsNothingFrom(node, source.id);
}

function getsNothingFrom({ report }: NodeSnapshot, source: number): boolean {
  return report.facts.noWalFrom?.includes(source) === true;
}

/** What is here is the beginning of what is there. Of a timeline that is not recorded yet nobody knows where it began. */
function canReceive(group: GroupSnapshot, here: Position, there: Position): boolean {
  if (here.tli === there.tli) return true;
  const known = group.lineage.some(({ tli, switchpoint }) => tli === there.tli && switchpoint !== null);
  return known && !hasParted(group, here);
}

/** It has WAL that the group left behind when it went on to a later timeline. */
export function hasParted({ lineage }: GroupSnapshot, { tli, lsn }: Position): boolean {
  return hasDiverged({ timeline: tli, lsn }, lineage);
}

/**
 * Null when an election that began now could end in a promotion: the healthy followers, promising, would
 * satisfy every setting in force. An election that cannot end would only stop replication.
 */
export function obstacleToElection(group: GroupSnapshot): string | null {
  if (!leaderOf(group)) return null;
  const able = followersOf(group).filter((node) => isHealthy(group, node) && canPromise(node));
  if (able.length === 0) return 'no standby is healthy';
  if (able.every(isReadReplica)) return 'only read replicas are healthy, which cannot take over';
  if (!able.some((node) => node.candidatePriority > 0))
    return 'every healthy standby has candidate priority 0';
  return missingPromises(group, [...able, ...promisedNodes(group)]);
}

/** Each healthy standby has promised, and none of them may be promoted, nor can be once it has received what another has. */
export function hasElectionFailed(group: GroupSnapshot): boolean {
  const able = followersOf(group).filter((node) => isHealthy(group, node) && canPromise(node));
  const isOnItsWay = (node: NodeSnapshot): boolean =>
    promiseOf(group, node) === null || (node.goal === 'report_lsn' && node.reported !== 'report_lsn');
  if (able.some(isOnItsWay)) return false;
  const goesOn = able.some(
    (node) =>
      (node.goal === 'prepare_promotion' && obstacleToPromotion(group, node) === null) ||
      (node.goal === 'fast_forward' && !isSourceLost(group, node)),
  );
  return !goesOn && choiceOf(group) === null;
}

function isBetterOneOnItsWay(group: GroupSnapshot, chosen: NodeSnapshot): boolean {
  return followersOf(group).some(
    (node) =>
      node.candidatePriority > chosen.candidatePriority &&
      node.goal === 'report_lsn' &&
      promiseOf(group, node) === null &&
      isHealthy(group, node) &&
      group.now - node.changedAt < PROMISE_TAKES,
  );
}

function lacks(own: Position, other: Position): boolean {
  return own.tli < other.tli || own.lsn < other.lsn;
}

function lsnOf(group: GroupSnapshot, node: NodeSnapshot): bigint {
  return promiseOf(group, node)?.lsn ?? 0n;
}

function byRank(a: NodeSnapshot, b: NodeSnapshot, aLsn: bigint, bLsn: bigint): number {
  return b.candidatePriority - a.candidatePriority || compare(bLsn, aLsn) || a.id - b.id;
}

function compare(a: bigint, b: bigint): number {
  return Number(a > b) - Number(a < b);
}
