import { canTakeWrites, handsOver, type State } from '@pgaf/core/states';
import { acceptOrder } from './accept.js';
import { hasParted } from './election.js';
import { isConverged, leaderOf, nodeOf } from './group.js';
import { decideCommand } from './operator.js';
import { newestSetting, promiseOf } from './quorum.js';
import type { RuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { GroupSnapshot, KeeperFacts, NodeSnapshot } from './vocabulary.js';

/**
 * A group in which nothing goes wrong any more: every process runs, every link works, each keeper does what it is told as
 * far as the others let it, and more time passes than anybody waits for.
 */

const ROUNDS = 40;
const ROUND = 20_000;

const FOLLOWS: ReadonlySet<State> = new Set(['catchingup', 'secondary', 'join_secondary']);
const STOPPED: ReadonlySet<State> = new Set(['draining', 'prepare_maintenance', 'demoted', 'dropped']);
/** From here a node follows only when it has copied or rewound what a leader has. */
const NEEDS_A_SOURCE: ReadonlySet<State> = new Set([...STOPPED, 'maintenance', 'wait_standby']);

export interface Rest {
  readonly group: GroupSnapshot;
  /** Each round's states, as `leader: reported/goal`. */
  readonly story: readonly string[];
}

/** What becomes of the group when it is left alone. */
export function comeToRest(found: GroupSnapshot, book: RuleBook): Rest {
  const story: string[] = [];
  let group = found;
  for (let round = 0; round < ROUNDS; round++) {
    const { group: settled, transitions } = settle(group, book);
    story.push(...transitions.map(({ node, goal, rule }) => `${node} -> ${goal} (${rule})`));
    const next = afterRound(settled);
    const told = statesOf(next);
    story.push(told);
    if (transitions.length > 0 || told !== statesOf(group)) group = next;
    else if (group.nodes.some((node) => isConverged(node, 'maintenance')))
      group = endMaintenance(group, book);
    else return { group, story };
  }
  return { group, story: [...story, 'never at rest'] };
}

/** Operators want the nodes back that they have taken out of service. */
function endMaintenance(found: GroupSnapshot, book: RuleBook): GroupSnapshot {
  return found.nodes
    .filter((node) => isConverged(node, 'maintenance'))
    .reduce((group, { id }) => {
      const decision = decideCommand(group, { kind: 'stop_maintenance', node: id }, book);
      return decision.tag === 'accepted' ? decision.settled.group : group;
    }, found);
}

/** One node takes writes, and each other one follows it. */
export function isWhole(group: GroupSnapshot): boolean {
  const leader = leaderOf(group);
  if (!leader || !isConverged(leader, 'single', 'wait_primary', 'primary')) return false;
  return group.nodes.every((node) => node === leader || isConverged(node, 'secondary'));
}

export function statesOf({ epoch, leader, nodes }: GroupSnapshot): string {
  const states = nodes.map((node) => {
    const { facts, lsn, tli } = node.report;
    const promise = facts.promise
      ? ` promised ${facts.promise.epoch} at ${facts.promise.tli}/${facts.promise.lsn}`
      : '';
    const stopped = facts.stopped ? ` stopped at ${facts.stopped.finalLsn}` : '';
    const who = node.id === leader ? 'L' : String(node.id);
    return `${who}:${node.reported}/${node.goal} ${tli}/${lsn}${promise}${stopped}`;
  });
  return `epoch ${epoch}: ${states.join(', ')}`;
}

function afterRound(group: GroupSnapshot): GroupSnapshot {
  const now = group.now + ROUND;
  const nodes = group.nodes.map((node) => {
    const next = reached(group, node);
    const changedAt = next.reported === node.reported ? node.changedAt : now;
    const { postgresRunning } = next.report;
    return {
      ...next,
      changedAt,
      report: { ...next.report, at: now },
      seen: {
        ...next.seen,
        health: postgresRunning ? ('good' as const) : ('bad' as const),
        refused: !postgresRunning,
      },
    };
  });
  return { ...group, now, nodes };
}

function reached(group: GroupSnapshot, node: NodeSnapshot): NodeSnapshot {
  const { goal, reported } = node;
  const { facts } = node.report;
  const promised = facts.promise?.epoch ?? 0;
  const sworn = { nodeId: node.id, epoch: 0, promised, stopped: facts.stopped ?? null, goal: reported };
  const verdict = acceptOrder(sworn, { epoch: group.epoch, goal, leader: group.leader });
  if (verdict.tag === 'refused') return node;
  if (canTakeWrites(goal)) return asLeader(group, node);
  if (FOLLOWS.has(goal)) return asFollower(group, node);
  // A keeper promises on its way there, and again only where the leader of the epoch that it promised for was given up.
  if (goal === 'report_lsn' || goal === 'prepare_promotion')
    return goal === reported && group.leader !== null ? node : withPromise(group, node);
  if (goal === 'fast_forward') return forwarded(group, node);
  if (STOPPED.has(goal)) return stopped(group, node);
  return reporting(node, { epoch: group.epoch });
}

/** In the state that it is to be in. */
function reporting(
  node: NodeSnapshot,
  facts: KeeperFacts,
  report: Partial<NodeSnapshot['report']> = {},
): NodeSnapshot {
  return {
    ...node,
    reported: node.goal,
    report: { ...node.report, postgresRunning: true, ...report, facts },
  };
}

function asLeader(group: GroupSnapshot, node: NodeSnapshot): NodeSnapshot {
  const { epoch } = group;
  const { tli, lsn, facts } = node.report;
  const isNew = !canTakeWrites(node.reported) && !NEEDS_A_SOURCE.has(node.reported);
  const made = isNew ? { tli: tli + 1, promoted: { epoch, tli: tli + 1, switchpoint: lsn } } : null;
  const promoted = made?.promoted ?? facts.promoted;
  const setting = newestSetting(group);
  const confirmed = setting && isConfirmed(group, node, setting.required, setting.members);
  if (!confirmed && node.goal === 'primary' && node.reported !== 'primary') return node;
  return reporting(
    node,
    {
      epoch,
      ...(promoted && { promoted }),
      ...(confirmed && { confirmedSetting: setting.version }),
    },
    made ? { tli: made.tli } : {},
  );
}

function isConfirmed(
  group: GroupSnapshot,
  leader: NodeSnapshot,
  required: number,
  members: readonly number[],
): boolean {
  const following = group.nodes.filter(
    ({ id, reported, report }) =>
      members.includes(id) &&
      FOLLOWS.has(reported) &&
      report.tli === leader.report.tli &&
      report.lsn === leader.report.lsn,
  );
  return following.length >= required;
}

function asFollower(group: GroupSnapshot, node: NodeSnapshot): NodeSnapshot {
  const leader = leaderOf(group);
  const source = leader && canTakeWrites(leader.reported) ? leader : null;
  if (
    !source &&
    (NEEDS_A_SOURCE.has(node.reported) || (node.goal === 'secondary' && node.reported !== 'secondary'))
  )
    return node;
  const follows = source && (node.goal === 'catchingup' || !hasParted(group, node.report));
  return reporting(
    node,
    { epoch: group.epoch },
    follows ? { tli: source.report.tli, lsn: source.report.lsn } : {},
  );
}

function withPromise(group: GroupSnapshot, node: NodeSnapshot): NodeSnapshot {
  const { tli, lsn } = node.report;
  const promise = { epoch: group.epoch + 1, ...(promiseOf(group, node) ?? { tli, lsn }) };
  return reporting(node, { epoch: group.epoch, promise });
}

function forwarded(group: GroupSnapshot, node: NodeSnapshot): NodeSnapshot {
  const source = group.walSource === null ? null : nodeOf(group, group.walSource);
  const position = source?.reported === 'report_lsn' ? promiseOf(group, source) : null;
  if (!position) return node;
  const { tli, lsn } = position;
  return reporting(node, { epoch: group.epoch, promise: { epoch: group.epoch + 1, tli, lsn } }, { tli, lsn });
}

function stopped(group: GroupSnapshot, node: NodeSnapshot): NodeSnapshot {
  const { facts, lsn } = node.report;
  const swears = handsOver(node.goal) || (node.goal === 'dropped' && node.id === group.leader);
  const oath = facts.stopped ?? { belowEpoch: group.epoch + 1, finalLsn: lsn };
  return reporting(
    node,
    { epoch: group.epoch, ...(swears && { stopped: oath }) },
    { postgresRunning: false },
  );
}
