import type { State } from '@pgaf/core/states';
import { isApartFromLeader } from './apart.js';
import { isReadReplica } from './candidate-priority.js';
import { followersOf, isConverged } from './group.js';
import { hasStopped, isHealthy, isLeaving, isSilent, runsPostgres } from './health.js';
import { decideCommand, type OperatorCommand } from './operator.js';
import { newestSetting } from './quorum.js';
import { inGoodHealth } from './rehearsal.js';
import type { RuleBook } from './rule-book.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/** One thing that somebody does, or waits for, so that a group can fail over. Nodes by id. */
export type Remedy =
  | OfNode<'resume' | 'endMaintenance' | 'raisePriority' | 'joinQuorum' | 'drop'>
  /** Its service runs and reports again. */
  | OfNode<'start'>
  /** Its Postgres can be started again; its keeper tries. */
  | OfNode<'mendPostgres'>
  /** Its Postgres answers the monitor again; its keeper is heard. */
  | OfNode<'connect'>
  /** It hears its primary again. */
  | OfNode<'reconnect'>
  /** It gets where it is going; its keeper says what hinders it, if anything does. */
  | OfNode<'await'>
  /** It takes in what commits are to wait for. */
  | OfNode<'awaitSetting'>
  /** Somebody else's value of synchronous_standby_names goes. */
  | OfNode<'mendSetting'>
  /** It takes no writes any more, as far as it still does. */
  | OfNode<'stop'>
  | { readonly do: 'addStandby' }
  | { readonly do: 'acceptLoss' }
  | { readonly do: 'acceptTimeline'; readonly tli: number };

interface OfNode<Name extends string> {
  readonly do: Name;
  readonly node: number;
}

/** What a new node gets, and what a node that was kept from being elected is given. */
export const USUAL_PRIORITY = 50;

export const IN_MAINTENANCE: ReadonlySet<State> = new Set([
  'maintenance',
  'wait_maintenance',
  'prepare_maintenance',
]);

/** States in which no Postgres need run. */
const AT_REST: ReadonlySet<State> = new Set(['init', 'wait_standby', 'demoted', ...IN_MAINTENANCE]);

/** What would bring the node back that nobody can count on; null when it is well. */
export function revivalOf(group: GroupSnapshot, node: NodeSnapshot): Remedy | null {
  const { id } = node;
  if (node.report.at === null || isSilent(group, node) || isLeaving(node)) return { do: 'start', node: id };
  // One that stopped on an order is not started before another one.
  const isToRun = !AT_REST.has(node.goal) && !AT_REST.has(node.reported) && !hasStopped(group, node);
  if (!runsPostgres(node) && isToRun) {
    return { do: node.paused ? 'resume' : 'mendPostgres', node: id };
  }
  if (node.seen.health === 'bad' && !AT_REST.has(node.reported)) return { do: 'connect', node: id };
  return null;
}

/** Whatever can be done for the followers of a group, what costs least first. */
export function remediesOf(group: GroupSnapshot): Remedy[] {
  // Of two that would do, the one that is more likely to be elected is kept.
  const followers = followersOf(group).toSorted(
    (a, b) => b.candidatePriority - a.candidatePriority || a.id - b.id,
  );
  const of = (what: Remedy['do'], which: (node: NodeSnapshot) => boolean): Remedy[] =>
    followers.filter(which).map((node) => ({ do: what, node: node.id }) as Remedy);
  const revivals = followers.flatMap((node) => revivalOf(group, node) ?? []);
  const isOnItsWay = (node: NodeSnapshot): boolean =>
    !isConverged(node, 'secondary') &&
    !(IN_MAINTENANCE.has(node.goal) && node.reported === node.goal) &&
    revivalOf(group, node) === null &&
    !isApartFromLeader(group, node);
  return [
    ...group.nodes.filter((node) => node.paused).map(({ id }): Remedy => ({ do: 'resume', node: id })),
    ...of('reconnect', (node) => isApartFromLeader(group, node)),
    ...of('await', isOnItsWay),
    ...revivals.filter((remedy) => remedy.do !== 'resume'),
    ...of('endMaintenance', (node) => IN_MAINTENANCE.has(node.goal)),
    ...of('raisePriority', (node) => node.candidatePriority === 0 && !isReadReplica(node)),
    ...of('joinQuorum', (node) => !node.quorum),
    { do: 'addStandby' },
  ];
}

/** For standbys that are gone for good. */
export function removalsOf(group: GroupSnapshot): Remedy[] {
  return followersOf(group)
    .filter((node) => !isHealthy(group, node))
    .map(({ id }) => ({ do: 'drop', node: id }));
}

/**
 * The group as these remedies would leave it, as far as they are about facts and orders; what its nodes make of them
 * comes after. An order that would be refused changes nothing.
 */
export function withRemedies(
  group: GroupSnapshot,
  remedies: readonly Remedy[],
  book: RuleBook,
): GroupSnapshot {
  return remedies.reduce((before, remedy) => withRemedy(before, remedy, book), group);
}

function withRemedy(group: GroupSnapshot, remedy: Remedy, book: RuleBook): GroupSnapshot {
  switch (remedy.do) {
    case 'resume':
      return withNode(group, remedy.node, (node) => {
        const isStopped = revivalOf(group, node)?.do === 'resume';
        return { ...(isStopped ? revived(group, node) : node), paused: false };
      });
    case 'start':
    case 'mendPostgres':
    case 'connect':
    case 'await':
      return withNode(group, remedy.node, (node) => revived(group, node));
    case 'reconnect':
    case 'awaitSetting':
    case 'mendSetting':
    case 'stop':
      return group;
    case 'addStandby':
      return withNewStandby(group);
    default: {
      const order = orderOf(group, remedy);
      const decision = order && decideCommand(group, order, book);
      if (decision?.tag !== 'accepted') return group;
      const ordered = decision.settled.group;
      // Its keeper begins by starting Postgres, whatever was done to it.
      return remedy.do === 'endMaintenance'
        ? withNode(ordered, remedy.node, (node) => (isSilent(group, node) ? node : revived(group, node)))
        : ordered;
    }
  }
}

/** The order that a remedy is; null when nobody is there to order it for. */
export function orderOf(group: GroupSnapshot, remedy: Remedy): OperatorCommand | null {
  if (remedy.do === 'acceptLoss') return { kind: 'perform_lossy_failover' };
  if (remedy.do === 'acceptTimeline') return { kind: 'accept_timeline', tli: remedy.tli, by: null };
  if (remedy.do === 'addStandby') return null;
  const node = group.nodes.find(({ id }) => id === remedy.node);
  if (!node) return null;
  switch (remedy.do) {
    case 'endMaintenance':
      return { kind: 'stop_maintenance', node: node.id };
    case 'raisePriority':
      return { kind: 'set_candidate_priority', name: node.name, priority: USUAL_PRIORITY };
    case 'joinQuorum':
      return { kind: 'set_replication_quorum', name: node.name, quorum: true };
    case 'drop':
      return { kind: 'remove_node', node: node.id, force: true };
    default:
      return null;
  }
}

function revived(group: GroupSnapshot, node: NodeSnapshot): NodeSnapshot {
  const { leaving: _leaving, paused: _paused, ...facts } = node.report.facts;
  return inGoodHealth({
    ...node,
    // A maintenance that it had not heard of has begun by then.
    reported: IN_MAINTENANCE.has(node.goal) ? node.goal : node.reported,
    report: { ...node.report, at: group.now, facts },
    seen: { ...node.seen, session: 'open', healthSince: group.now },
  });
}

function withNewStandby(group: GroupSnapshot): GroupSnapshot {
  const [model] = group.nodes;
  if (!model) return group;
  const id = Math.max(...group.nodes.map((node) => node.id)) + 1;
  const node: NodeSnapshot = {
    ...model,
    id,
    name: `node_${id}`,
    reported: 'wait_standby',
    goal: 'wait_standby',
    candidatePriority: USUAL_PRIORITY,
    quorum: true,
    paused: false,
  };
  const fresh = revived(group, { ...node, report: { ...node.report, facts: {} } });
  return { ...group, nodes: [...group.nodes, fresh] };
}

function withNode(
  group: GroupSnapshot,
  id: number,
  change: (node: NodeSnapshot) => NodeSnapshot,
): GroupSnapshot {
  return { ...group, nodes: group.nodes.map((node) => (node.id === id ? change(node) : node)) };
}

/** What is left to do before commits wait for what they are to wait for; null when nothing is. */
export function settingRemedyOf(group: GroupSnapshot, leader: NodeSnapshot): Remedy | null {
  if (leader.report.facts.overriddenSetting !== undefined) return { do: 'mendSetting', node: leader.id };
  const isTaken = group.settingsInForce.length === 1 && newestSetting(group)?.required !== 0;
  return isTaken && isConverged(leader, 'primary') ? null : { do: 'awaitSetting', node: leader.id };
}
