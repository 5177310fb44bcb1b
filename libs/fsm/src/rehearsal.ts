import { canTakeWrites, type State } from '@pgaf/core/states';
import { followersOf, leaderOf, nodeOf } from './group.js';
import { isSilent, isUp } from './health.js';
import { desiredSetting, newestSetting, promiseOf } from './quorum.js';
import { isBehindItsNodes } from './restored.js';
import type { RuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { GroupSnapshot, KeeperFacts, NodeSnapshot } from './vocabulary.js';

/**
 * What the rules would make of a group, asked of the rules themselves: a copy of the group is settled, its nodes do
 * what they are told as far as they can, and it is settled again. So what is said of a failover beforehand is what is
 * decided when it comes to it.
 */

/** Longer chains do not occur: every node is told a few things at most before one is promoted. */
const ROUNDS = 20;

/** Goals whose way is a promise. */
const PROMISES: ReadonlySet<State> = new Set(['report_lsn', 'prepare_promotion']);

/** Who would be promoted if the leader were gone for good now and nobody helped; null when nobody would be. */
export function successorIfLost(found: GroupSnapshot, book: RuleBook): NodeSnapshot | null {
  if (isBehindItsNodes(found)) return null;
  let group = withLeaderGone(found);
  for (let round = 0; round < ROUNDS; round++) {
    const { group: decided, transitions } = settle(group, book);
    if (decided.epoch > found.epoch) return leaderOf(decided);
    group = { ...decided, nodes: decided.nodes.map((node) => obeying(decided, node)) };
    if (transitions.length === 0 && group.nodes.every((node, at) => node === decided.nodes[at])) return null;
  }
  return null;
}

/** The group once these nodes of it follow closely, and what commits wait for by then is confirmed. */
export function whenAtRest(group: GroupSnapshot, arrived: ReadonlySet<number>): GroupSnapshot {
  const leader = leaderOf(group);
  if (!leader) return group;
  const isFollowed = group.nodes.some((node) => node.quorum && arrived.has(node.id));
  const nodes = group.nodes.map((node): NodeSnapshot => {
    if (node.id === leader.id) return isFollowed ? { ...node, reported: 'primary', goal: 'primary' } : node;
    return arrived.has(node.id) ? following(leader, node) : node;
  });
  const rested = { ...group, switchoverTarget: null, switchoverForced: false, nodes };
  const version = (newestSetting(group)?.version ?? 0) + 1;
  const setting = desiredSetting(rested) ?? { required: 0, members: [] };
  return { ...rested, settingsInForce: [{ version, ...setting }] };
}

function following({ report: { lsn, tli } }: NodeSnapshot, node: NodeSnapshot): NodeSnapshot {
  const { promise: _promise, quietFor: _quietFor, ...facts } = node.report.facts;
  return { ...node, reported: 'secondary', goal: 'secondary', report: { ...node.report, lsn, tli, facts } };
}

/** Everything that proves a leader down is there: see `provedDown`. */
function withLeaderGone(group: GroupSnapshot): GroupSnapshot {
  const leader = leaderOf(group);
  if (!leader) return group;
  const { streams: _streams, ...facts } = leader.report.facts;
  const gone: NodeSnapshot = {
    ...leader,
    report: { ...leader.report, facts },
    seen: { health: 'bad', healthSince: group.now, refused: true, session: 'closed' },
  };
  const upstream: KeeperFacts['upstream'] = {
    node: leader.id,
    streaming: false,
    closed: true,
    refused: true,
  };
  const witnesses = new Set(followersOf(group).filter((node) => !isSilent(group, node)));
  return {
    ...group,
    nodes: group.nodes.map((node) => {
      if (node.id === leader.id) return gone;
      return witnesses.has(node) ? withFacts(node, { upstream }) : node;
    }),
  };
}

/** The node where it was told to go, when it gets there without a leader. */
function obeying(group: GroupSnapshot, node: NodeSnapshot): NodeSnapshot {
  if (node.id === group.leader || (node.reported === node.goal && !promisesAnew(group, node))) return node;
  // Its keeper begins by starting Postgres, whatever was done to it.
  const leavesMaintenance = node.reported === 'maintenance' && !isSilent(group, node);
  if (!isUp(group, node) && !leavesMaintenance) return node;
  // Who led before stops, and may be the one that opens again.
  if (node.goal === 'demoted' && canTakeWrites(node.reported))
    return { ...node, reported: node.goal, report: { ...node.report, postgresRunning: false } };
  const running = leavesMaintenance ? inGoodHealth(node) : node;
  const epoch = group.epoch + 1;
  if (PROMISES.has(node.goal)) {
    const { tli, lsn } = running.report;
    return {
      ...withFacts(running, { promise: promiseOrNew(group, node, { epoch, tli, lsn }) }),
      reported: node.goal,
    };
  }
  const source = group.walSource === null ? null : nodeOf(group, group.walSource);
  const received = source && promiseOf(group, source);
  if (node.goal !== 'fast_forward' || !received) return node;
  const { tli, lsn } = received;
  const forwarded = withFacts(running, { promise: { epoch, tli, lsn } });
  return { ...forwarded, reported: node.goal, report: { ...forwarded.report, tli, lsn } };
}

/** Its promise was for the epoch of a leader that was given up. */
function promisesAnew(group: GroupSnapshot, node: NodeSnapshot): boolean {
  return group.leader === null && PROMISES.has(node.goal) && promiseOf(group, node) === null;
}

function promiseOrNew(
  group: GroupSnapshot,
  node: NodeSnapshot,
  made: NonNullable<KeeperFacts['promise']>,
): NonNullable<KeeperFacts['promise']> {
  return promiseOf(group, node) === null ? made : (node.report.facts.promise ?? made);
}

/** As its keeper and the monitor see a node that runs. */
export function inGoodHealth(node: NodeSnapshot): NodeSnapshot {
  return {
    ...node,
    report: { ...node.report, postgresRunning: true },
    seen: { ...node.seen, health: 'good', refused: false },
  };
}

function withFacts(node: NodeSnapshot, facts: Partial<KeeperFacts>): NodeSnapshot {
  return { ...node, report: { ...node.report, facts: { ...node.report.facts, ...facts } } };
}
