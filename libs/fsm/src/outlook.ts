import type { Milliseconds } from '@pgaf/core/durations';
import { handsOver } from '@pgaf/core/states';
import { followersOf, isConverged, leaderOf } from './group.js';
import { hasStopped, isHealthy, isSilent, provedDown, runsPostgres } from './health.js';
import { leaseEnd, leaseIsOver, standbyThatHears } from './lease.js';
import { decideCommand } from './operator.js';
import { successorIfLost, whenAtRest } from './rehearsal.js';
import {
  IN_MAINTENANCE,
  orderOf,
  remediesOf,
  removalsOf,
  revivalOf,
  settingRemedyOf,
  withRemedies,
  type Remedy,
} from './remedies.js';
import { isBehindItsNodes, unheardNodes } from './restored.js';
import type { RuleBook } from './rule-book.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/** What becomes of a group that loses its primary, or has lost it. */
export type Outlook =
  /** Were the primary lost now, this node would take over without anybody's help. */
  | { readonly tag: 'possible'; readonly node: number }
  /** The primary is lost, and this node takes over; null: nothing has to come before. */
  | {
      readonly tag: 'underWay';
      readonly node: number;
      readonly waitsFor: Proof | null;
      readonly ways: readonly Way[];
    }
  | { readonly tag: 'impossible'; readonly ways: readonly Way[] };

/** Remedies that suffice together, in the order in which to apply them. */
export type Way = readonly Remedy[];

/** What has to be known of a lost leader before another node may take writes. */
export type Proof =
  /** Instant of the monitor's clock. */
  | { readonly tag: 'lease'; readonly until: Milliseconds }
  /** Its Postgres answers the monitor, or its keeper says that it runs. */
  | { readonly tag: 'answers' | 'vouched' }
  /** This standby hears from it. */
  | { readonly tag: 'hears'; readonly node: number }
  /** It held itself to no lease, so that its silence tells nothing, however long it lasts. */
  | { readonly tag: 'unproved' };

/** What only a person at the node, or time, can do. */
const AT_THE_NODE: ReadonlySet<Remedy['do']> = new Set([
  'start',
  'mendPostgres',
  'connect',
  'reconnect',
  'await',
]);

/** What a group without a leader takes no notice of. */
const WITH_LEADER: ReadonlySet<Remedy['do']> = new Set(['joinQuorum', 'addStandby']);

export function outlookOf(group: GroupSnapshot, book: RuleBook): Outlook {
  if (isBehindItsNodes(group)) return whileBehind(group, book);
  const leader = leaderOf(group);
  return leader && isHealthy(group, leader) ? whileLed(group, leader, book) : whileLost(group, leader, book);
}

function whileBehind(group: GroupSnapshot, book: RuleBook): Outlook {
  const way = unheardNodes(group).map(({ id }): Remedy => ({ do: 'start', node: id }));
  return { tag: 'impossible', ways: way.length > 0 ? [way] : lossyWays(group, [], book) };
}

function whileLed(group: GroupSnapshot, leader: NodeSnapshot, book: RuleBook): Outlook {
  const successor = successorIfLost(group, book);
  if (successor) return { tag: 'possible', node: successor.id };
  const setting = settingRemedyOf(group, leader);
  const all = [...(setting ? [setting] : []), ...remediesOf(group)];
  const suffice = (chosen: Way): boolean => {
    const changed = withRemedies(group, chosen, book);
    const takesIn =
      setting?.do === 'mendSetting'
        ? chosen.includes(setting)
        : chosen.some((remedy) => remedy.do !== 'resume');
    return successorIfLost(takesIn ? whenAtRest(changed, arrivals(changed, chosen)) : changed, book) !== null;
  };
  const first = leastOf(all, suffice);
  const orders = all.filter((remedy) => !AT_THE_NODE.has(remedy.do) && remedy.do !== 'addStandby');
  const byOrders =
    first && isLong(first)
      ? (leastOf(orders, suffice) ?? leastOf([...orders, ...removalsOf(group)], suffice))
      : null;
  return { tag: 'impossible', ways: [first, byOrders].filter((way) => way !== null) };
}

function isLong(way: Way): boolean {
  return way.some((remedy) => AT_THE_NODE.has(remedy.do));
}

/** After these a node follows the leader, as it was told to. */
const SET_OFF: ReadonlySet<Remedy['do']> = new Set([...AT_THE_NODE, 'resume', 'endMaintenance']);

/** Who follows closely once these remedies have done their work. */
function arrivals(group: GroupSnapshot, chosen: Way): ReadonlySet<number> {
  const helped = new Set(
    chosen.map((remedy) => ('node' in remedy && SET_OFF.has(remedy.do) ? remedy.node : null)),
  );
  const isNew = chosen.some((remedy) => remedy.do === 'addStandby');
  const newest = Math.max(...group.nodes.map((node) => node.id));
  return new Set(
    followersOf(group)
      .filter((node) => isHealthy(group, node) && !IN_MAINTENANCE.has(node.goal))
      .filter(
        (node) => isConverged(node, 'secondary') || helped.has(node.id) || (isNew && node.id === newest),
      )
      .map((node) => node.id),
  );
}

function whileLost(group: GroupSnapshot, leader: NodeSnapshot | null, book: RuleBook): Outlook {
  const successor = successorIfLost(group, book);
  const waitsFor = proofNeeded(group, leader);
  const isStuck = waitsFor !== null && waitsFor.tag !== 'lease';
  const back = leader && backOf(group, leader);
  const end: Way = leader && isStuck ? [{ do: 'stop', node: leader.id }] : [];
  // One that held itself to no lease leaves nothing behind that would prove its end.
  const canEnd = !isStuck || leader?.report.facts.lease !== undefined;
  // Nobody is to be told to give up what a primary has that may live.
  const mayLive = waitsFor !== null && waitsFor.tag !== 'unproved';
  const lossy = (others: readonly (Way | null)[]): Way[] => (mayLive ? [] : lossyWays(group, others, book));
  if (successor) {
    const stop = canEnd ? end : null;
    const ways = isStuck ? [back, stop, ...lossy([back, stop])] : [];
    return { tag: 'underWay', node: successor.id, waitsFor, ways: ways.filter((way) => way !== null) };
  }
  const suffice = (chosen: Way): boolean => {
    const changed = withRemedies(group, chosen, book);
    return changed.epoch > group.epoch || successorIfLost(changed, book) !== null;
  };
  const promises = leastOf(
    remediesOf(group).filter((remedy) => !WITH_LEADER.has(remedy.do)),
    suffice,
  );
  // What the leader had is given up already, and so may be what keeps the others waiting.
  const byRemoval = leader ? null : byRemovalOf(group, suffice);
  const byStandbys = promises && canEnd ? [...promises, ...end] : null;
  const isSame =
    byStandbys !== null && back?.every((remedy) => byStandbys.some((each) => isEqual(each, remedy)));
  return {
    tag: 'impossible',
    ways: [byStandbys, byRemoval, isSame ? null : back, ...lossy([byStandbys, back])].filter(
      (way) => way !== null,
    ),
  };
}

/** Without those who keep the others waiting; who is left may have to be made a candidate. */
function byRemovalOf(group: GroupSnapshot, suffice: (chosen: Way) => boolean): Way | null {
  const removals = removalsOf(group);
  const alone = leastOf(removals, suffice);
  if (alone) return alone;
  const raises = remediesOf(group).filter((remedy) => remedy.do === 'raisePriority');
  const both = leastOf([...raises, ...removals], suffice);
  return both?.some((remedy) => remedy.do === 'drop') ? both : null;
}

/** What brings a lost leader back; null when it was told to stay as it is. */
function backOf(group: GroupSnapshot, leader: NodeSnapshot): Way | null {
  const revival = revivalOf(group, leader);
  if (!revival) return null;
  // A keeper that comes back to a paused node leaves its Postgres as it is.
  const isLeft = leader.paused && revival.do === 'start' && leader.seen.health !== 'good';
  return isLeft ? [revival, { do: 'resume', node: leader.id }] : [revival];
}

function isEqual(one: Remedy, other: Remedy): boolean {
  return one.do === other.do && 'node' in one && 'node' in other && one.node === other.node;
}

/** What an operator could decide, where a loss is the price and no order of another kind would do. */
function lossyWays(group: GroupSnapshot, others: readonly (Way | null)[], book: RuleBook): Way[] {
  if (others.some((way) => way !== null && !isLong(way))) return [];
  const lines = new Set(group.lineage.map(({ tli }) => tli));
  const strangers = new Set(
    followersOf(group)
      .filter((node) => isHealthy(group, node) && !lines.has(node.report.tli))
      .map((node) => node.report.tli),
  );
  const orders: Remedy[] = [
    { do: 'acceptLoss' },
    ...[...strangers].map((tli): Remedy => ({ do: 'acceptTimeline', tli })),
  ];
  return orders
    .filter((remedy) => {
      const order = orderOf(group, remedy);
      return order && decideCommand(group, order, book).tag === 'accepted';
    })
    .map((remedy) => [remedy]);
}

/** Null when it is known that the leader serves nobody any more. */
function proofNeeded(group: GroupSnapshot, leader: NodeSnapshot | null): Proof | null {
  if (!leader || hasStopped(group, leader)) return null;
  if (followersOf(group).some((node) => !isSilent(group, node) && provedDown(leader, node))) return null;
  if (!isSilent(group, leader) && leader.seen.session !== 'closed') {
    const isAtIt = handsOver(leader.goal) && leader.seen.health !== 'bad';
    return runsPostgres(leader) && !isAtIt ? { tag: 'vouched' } : null;
  }
  const hears = standbyThatHears(group, leader);
  if (hears) return { tag: 'hears', node: hears.id };
  if (leaseIsOver(group, leader)) return null;
  if (leader.seen.health !== 'bad') return { tag: 'answers' };
  const until = leaseEnd(group, leader);
  return until === null ? { tag: 'unproved' } : { tag: 'lease', until };
}

/** As few of them as suffice, the dearest (which come last) left out first; null when all together do not. */
function leastOf(all: Way, suffice: (chosen: Way) => boolean): Way | null {
  if (!suffice(all)) return null;
  return all.reduceRight((kept, remedy) => {
    const fewer = kept.filter((each) => each !== remedy);
    return suffice(fewer) ? fewer : kept;
  }, all);
}
