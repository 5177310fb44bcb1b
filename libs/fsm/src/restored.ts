import { canTakeWrites, type State } from '@pgaf/core/states';
import { designate, hasNotOpened, nodeOf, withGoal } from './group.js';
import { hasStopped } from './health.js';
import { newestSetting, promisedNodes } from './quorum.js';
import type { Settled, Transition } from './settle.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/**
 * A monitor that was restored from a backup knows less than its nodes. It shows when its own Postgres is another one, or
 * on another timeline, than in its last term, or when a node has seen an epoch that it has not ordered. Such a group is
 * left alone until every node has reported; then the highest epoch is taken over, with what the nodes say that they are.
 * Until then each keeper refuses the orders of an earlier epoch, and a primary goes on by its standbys' word.
 *
 * Why no acknowledged commit is lost, and no second node opened:
 * 1. An epoch is given to one node, in the transaction that orders it, and a keeper persists an epoch before it acts in
 *    it. So nobody who is in the group has acted in a later epoch than the highest that its nodes tell of.
 * 2. Each node that has seen an epoch knows to whom it was given. That node leads again: nobody else was given as much,
 *    so it has every acknowledged commit, and the order to promote it, if it has not begun yet, was right and stands.
 * 3. Where it is not in the group, it may take writes elsewhere: the backup may be older than its registration. Nobody
 *    leads then before an operator says that it is gone, by dropping it by force, or by a failover with data loss.
 */

/** More settings than anybody assigns to a group between a backup and its use. */
const SETTINGS_SINCE = 1000;

const HANDED_OVER: ReadonlySet<State> = new Set(['draining', 'demote_timeout', 'prepare_maintenance']);

/** Where else an order to take writes finds a node that followed, and one that led before. */
const FOLLOWED: ReadonlySet<State> = new Set(['catchingup', 'demoted']);
const LED: ReadonlySet<State> = new Set([...HANDED_OVER, 'dropped']);

/** To whom the highest epoch was given. */
type Leading =
  | { readonly tag: 'node'; readonly node: NodeSnapshot }
  /** An operator gave up what only that node has. */
  | { readonly tag: 'givenUp' }
  /** No node of this group; its id, where some node knows it. */
  | { readonly tag: 'stranger'; readonly id: number | null };

/** The highest epoch that a node has seen; no less than the group's. */
function highestEpoch({ epoch, nodes }: GroupSnapshot): number {
  return Math.max(epoch, ...nodes.map(({ report }) => report.facts.epoch ?? 0));
}

export function isBehindItsNodes(group: GroupSnapshot): boolean {
  return group.nodes.length > 0 && (group.restored || highestEpoch(group) > group.epoch);
}

/**
 * The group as its keepers are told of it from then on: nothing is an order. Whoever led the epoch that this monitor knows of
 * has no reason to refuse one, whether the monitor has found out by itself or by a node.
 */
export function doubted(group: GroupSnapshot): GroupSnapshot {
  return group.restored ? group : { ...group, restored: true };
}

/** Why the group is not taken over yet, a sentence; null when it is not behind, or can be. */
export function whatRestoringWaitsFor(group: GroupSnapshot): string | null {
  if (!isBehindItsNodes(group)) return null;
  const highest = highestEpoch(group);
  const known =
    highest > group.epoch
      ? `this monitor knows of epoch ${group.epoch}, a node has seen epoch ${highest}`
      : 'this monitor was restored from a backup';
  const unheard = unheardNodes(group);
  if (unheard.length > 0)
    return `${known}: nothing is decided until ${unheard.map(designate).join(', ')} has reported`;
  const leading = leadingOf(group);
  if (leading.tag !== 'stranger') return null;
  const who = leading.id === null ? 'none of its nodes' : `node ${leading.id}, which is not in the group`;
  return `${known}, which was given to ${who}: nothing is decided until an operator gives that node up`;
}

/** Those of which this monitor knows no more than what is in the backup. */
export function unheardNodes(group: GroupSnapshot): NodeSnapshot[] {
  return group.nodes.filter((node) => !isHeard(node));
}

/**
 * Where the group waits for nothing but an operator's word that the node which leads it, and is none of it, is gone: the
 * id of that node, `unknown` when nobody knows it. Null otherwise.
 */
export function strangerThatLeads(group: GroupSnapshot): number | 'unknown' | null {
  if (!isBehindItsNodes(group) || unheardNodes(group).length > 0) return null;
  const leading = leadingOf(group);
  return leading.tag === 'stranger' ? (leading.id ?? 'unknown') : null;
}

/** The node may have been given an epoch that this monitor does not know of. */
export function mayLeadSince(node: NodeSnapshot): boolean {
  return !isHeard(node) || canTakeWrites(node.reported);
}

/** What every node says that it is, as the group's goals; null while the group is not behind, or cannot be taken over. */
export function takeOverFromNodes(group: GroupSnapshot): Settled | null {
  if (!isBehindItsNodes(group) || whatRestoringWaitsFor(group) !== null) return null;
  const leading = leadingOf(group);
  return takenOver(group, leading.tag === 'node' ? leading.node : null);
}

/** The same without the node that leads; for an operator who gives up what only that one has. */
export function takeOverWithoutLeader(group: GroupSnapshot): Settled {
  return takenOver(group, null);
}

function takenOver(group: GroupSnapshot, leader: NodeSnapshot | null): Settled {
  const transitions: Transition[] = [];
  let taken: GroupSnapshot = {
    ...group,
    epoch: highestEpoch(group),
    leader: leader?.id ?? null,
    switchoverTarget: null,
    switchoverForced: false,
    restored: false,
    settingsInForce: unknownSettings(group),
  };
  for (const node of group.nodes) {
    const goal = goalOf(node, taken);
    if (goal === node.goal) continue;
    const because = 'the monitor was restored from a backup, and its nodes have seen a later epoch';
    transitions.push({ node: node.id, from: node.goal, goal, rule: 'monitor.restored', because });
    taken = withGoal(taken, node.id, goal);
  }
  return { group: taken, transitions, removed: [], epochRaised: true };
}

/** Who led an epoch before comes back as its order to stop would have it. */
function goalOf(node: NodeSnapshot, taken: GroupSnapshot): State {
  const { id, reported } = node;
  // It has not heard yet what it is to become.
  if (reported === 'init') return node.goal;
  if (id === taken.leader) return goalOfLeader(node, taken);
  return canTakeWrites(reported) || HANDED_OVER.has(reported) ? 'demoted' : reported;
}

/** Where a node has promised for the next epoch, the leader of this one ends: an election was under way. */
function goalOfLeader(node: NodeSnapshot, taken: GroupSnapshot): State {
  const { reported } = node;
  const isEnding = promisedNodes(taken).length > 0;
  if (canTakeWrites(reported) && isEnding) return 'draining';
  // Whoever left it alone is in the backup again.
  if (reported === 'single' && taken.nodes.length > 1) return 'wait_primary';
  if (canTakeWrites(reported)) return reported;
  if (!isStillToBegin(taken, node)) return reported;
  if (isEnding && HANDED_OVER.has(reported)) return reported;
  if (isEnding && hasNotOpened(node)) return 'draining';
  return 'wait_primary';
}

/** What it is, it was before it was given this epoch: in this one it would have sworn that it has stopped. */
function isStillToBegin(taken: GroupSnapshot, node: NodeSnapshot): boolean {
  // Promoted, and not where its order leads to yet.
  if (hasNotOpened(node)) return true;
  if (node.report.facts.promoted?.epoch === taken.epoch) return false;
  return FOLLOWED.has(node.reported) || (LED.has(node.reported) && !hasStopped(taken, node));
}

/** Its keeper has said something over a session with this monitor, so its facts are not of the backup. */
export function isHeard({ seen, report }: NodeSnapshot): boolean {
  return seen.session === 'open' && report.facts.epoch !== undefined;
}

/** Who takes writes in it, or hands them over, tells most; then the node that was last said to have been given it. */
function leadingOf(group: GroupSnapshot): Leading {
  const epoch = highestEpoch(group);
  const witnesses = group.nodes.filter(({ report }) => report.facts.epoch === epoch);
  const claimants = witnesses.filter(
    ({ id, reported, report: { facts } }) =>
      (canTakeWrites(reported) || HANDED_OVER.has(reported)) && (facts.leader ?? id) === id,
  );
  const [claimant] = claimants;
  if (claimant && claimants.length === 1) return { tag: 'node', node: claimant };
  // A node that is given up stays so for as long as the epoch lasts.
  if (witnesses.some(({ report }) => report.facts.leader === null)) return { tag: 'givenUp' };
  if (epoch === group.epoch && group.leader === null) return { tag: 'givenUp' };
  const told = witnesses.map(({ report }) => report.facts.leader).find((id) => id !== undefined);
  const promoted = witnesses.find(({ report }) => report.facts.promoted?.epoch === epoch)?.id;
  const id = (epoch === group.epoch ? group.leader : null) ?? told ?? promoted ?? null;
  const node = id === null ? null : nodeOf(group, id);
  return node ? { tag: 'node', node } : { tag: 'stranger', id };
}

/** Any setting may be in force, so F holds one that asks for no standby, until the newest, assigned anew, is confirmed. */
function unknownSettings(group: GroupSnapshot): GroupSnapshot['settingsInForce'] {
  const newest = newestSetting(group) ?? { version: 0, required: 0, members: [] };
  const confirmed = group.nodes.map(({ report }) => report.facts.confirmedSetting ?? 0);
  const version = Math.max(newest.version, ...confirmed) + SETTINGS_SINCE;
  return [
    { version, required: 0, members: [] },
    { ...newest, version: version + 1 },
  ];
}
