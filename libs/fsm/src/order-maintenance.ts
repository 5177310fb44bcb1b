import { canTakeWrites, type State } from '@pgaf/core/states';
import { accept, refuse, SQLSTATE, type CommandDecision } from './command-decision.js';
import { designate, followersOf, isConverged, leaderOf, nodeOf, withGoal } from './group.js';
import { isHealthy } from './health.js';
import { handOver } from './order-failover.js';
import type { RuleBook } from './rule-book.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

const IN_MAINTENANCE: ReadonlySet<State> = new Set([
  'maintenance',
  'wait_maintenance',
  'prepare_maintenance',
]);
const FOLLOWING: ReadonlySet<State> = new Set(['secondary', 'catchingup']);

/** An operator takes a node out of service. The answer is false when there is no such node. */
export function startMaintenance(group: GroupSnapshot, id: number, book: RuleBook): CommandDecision {
  const node = nodeOf(group, id);
  if (!node) return accept(group, {}, false, book);
  if (IN_MAINTENANCE.has(node.goal)) return accept(group, {}, true, book);
  return id === group.leader ? ofPrimary(group, node, book) : ofStandby(group, node, book);
}

/** It comes back as a standby of whoever leads by then. */
export function stopMaintenance(group: GroupSnapshot, id: number, book: RuleBook): CommandDecision {
  const node = nodeOf(group, id);
  if (!node) return accept(group, {}, false, book);
  // Nobody has touched it yet.
  if (node.goal === 'wait_maintenance') return order(group, node, 'secondary', 'disabled', book);
  if (!isConverged(node, 'maintenance')) {
    return refuse(SQLSTATE.notInPrerequisiteState, `cannot end a maintenance of ${designate(node)}`, {
      detail: whereItIs(node),
      hint: IN_MAINTENANCE.has(node.goal)
        ? 'Its maintenance has not begun yet: its keeper must be running for that.'
        : 'It is in none.',
    });
  }
  const leader = leaderOf(group);
  // One that hands over may yet go on, and then nobody follows it who has promised for the next epoch.
  const mayGoOn = leader !== null && canTakeWrites(leader.reported) && isHealthy(group, leader);
  const isLed = mayGoOn || (leader !== null && canTakeWrites(leader.goal));
  return order(group, node, isLed ? 'catchingup' : 'report_lsn', 'disabled', book);
}

function ofPrimary(group: GroupSnapshot, node: NodeSnapshot, book: RuleBook): CommandDecision {
  if (!isConverged(node, 'primary')) return notNow(node);
  const decision = handOver(
    group,
    {
      target: null,
      forced: false,
      goal: 'prepare_maintenance',
      rule: 'operator.maintenance',
      wants: 'to take over, for a maintenance of the primary',
    },
    book,
  );
  return decision.tag === 'refused' ? { ...decision, sqlstate: SQLSTATE.notInPrerequisiteState } : decision;
}

function ofStandby(group: GroupSnapshot, node: NodeSnapshot, book: RuleBook): CommandDecision {
  if (!FOLLOWING.has(node.reported) || !(FOLLOWING.has(node.goal) || node.goal === 'maintenance')) {
    return notNow(node);
  }
  const leader = leaderOf(group);
  if (!leader || !canTakeWrites(leader.goal)) {
    return refuse(SQLSTATE.internalError, `group ${group.group} has no primary now`, {
      hint: 'Try again when show state lists one.',
    });
  }
  if (!isConverged(leader, 'primary', 'wait_primary')) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot begin a maintenance of ${designate(node)}: the primary is not in a stable state`,
      { detail: whereItIs(leader), hint: 'Try again when show state reports it as primary.' },
    );
  }
  const acknowledging = followersOf(group).filter(
    (each) => each.quorum && isConverged(each, 'secondary') && isHealthy(group, each),
  );
  const isOneOfThem = acknowledging.some((each) => each.id === node.id);
  const { numberSyncStandbys } = group.formation;
  // Commits stop to wait for it before anybody may stop it.
  const isNeeded = isOneOfThem && acknowledging.length === 1 && numberSyncStandbys === 0;
  const decision = order(group, node, isNeeded ? 'wait_maintenance' : 'maintenance', 'enabled', book);
  if (decision.tag === 'refused' || !isOneOfThem || acknowledging.length > numberSyncStandbys)
    return decision;
  return {
    ...decision,
    notice:
      `commits will wait while ${designate(node)} is stopped: number_sync_standbys is ${numberSyncStandbys}, ` +
      `and ${acknowledging.length - 1} other standby(s) can acknowledge them`,
  };
}

function order(
  group: GroupSnapshot,
  node: NodeSnapshot,
  goal: State,
  what: 'enabled' | 'disabled',
  book: RuleBook,
): CommandDecision {
  const transition = {
    node: node.id,
    from: node.goal,
    goal,
    rule: 'operator.maintenance',
    because: `the operator ${what} maintenance of it`,
  };
  return accept(withGoal(group, node.id, goal), { transitions: [transition] }, true, book);
}

function notNow(node: NodeSnapshot): CommandDecision {
  return refuse(SQLSTATE.notInPrerequisiteState, `cannot begin a maintenance of ${designate(node)} now`, {
    detail: whereItIs(node),
    hint: 'A primary with a standby that can take over, and a standby, can be taken out of service.',
  });
}

function whereItIs(node: NodeSnapshot): string {
  return `${designate(node)} reports ${node.reported} and is assigned ${node.goal}.`;
}
