import { canTakeWrites } from '@pgaf/core/states';
import { candidatesOf } from './election.js';
import {
  accept,
  refuse,
  refuseUnknownNode,
  SQLSTATE,
  type CommandDecision,
  type Refusal,
} from './command-decision.js';
import { designate, followersOf, isConverged, isPaused, leaderOf, nodeOf, withGoal } from './group.js';
import { isHealthy } from './health.js';
import type { RuleBook } from './rule-book.js';
import type { Transition } from './settle.js';
import type { GroupSnapshot } from './vocabulary.js';

export function performFailover(
  group: GroupSnapshot,
  order: Pick<HandoverOrder, 'target' | 'forced'>,
  book: RuleBook,
): CommandDecision {
  const rule = order.target === null ? 'operator.failover' : 'operator.promotion';
  return handOver(group, { ...order, goal: 'draining', rule, wants: 'to take over' }, book);
}

interface HandoverOrder {
  /** Who takes over; null for the best. */
  readonly target: number | null;
  /** What would have it given up, such as a client's transaction, may be ended for it. */
  readonly forced: boolean;
  readonly goal: 'draining' | 'prepare_maintenance';
  readonly rule: string;
  readonly wants: string;
}

/** A leader is told to stop, by one of the states for that, so that another node takes over. */
export function handOver(group: GroupSnapshot, order: HandoverOrder, book: RuleBook): CommandDecision {
  const { target, forced, goal, rule, wants } = order;
  const where = `group ${group.group} of formation "${group.formation.id}"`;
  if (group.nodes.length < 2) {
    return refuse(SQLSTATE.internalError, `cannot fail over: ${where} has no standby`, {
      detail: `The group has ${group.nodes.length} node(s).`,
      hint: 'Add a standby to the group first.',
    });
  }
  const leader = leaderOf(group);
  if (!leader || !isConverged(leader, 'single', 'primary', 'join_primary')) {
    return refuse(SQLSTATE.internalError, `cannot fail over: ${where} has no primary in a stable state`, {
      ...(leader && {
        detail: `${designate(leader)} reports ${leader.reported} and is assigned ${leader.goal}.`,
      }),
      hint: 'Wait until show state reports the primary as primary; pgaf explain says what that waits for.',
    });
  }
  const candidates = candidatesOf(group).filter((node) => isConverged(node, 'secondary'));
  const chosen =
    target === null
      ? (candidates.find((node) => !node.paused) ?? candidates[0])
      : candidates.find((node) => node.id === target);
  if (!chosen) return nobodyTakesOver(group, target, where);
  if (!isHealthy(group, leader) || leader.report.facts.abandoned !== undefined) {
    return refuse(
      SQLSTATE.internalError,
      `cannot fail over: the primary of ${where} is not in a stable state`,
      {
        detail: `${designate(leader)} is ${isHealthy(group, leader) ? 'ending a switchover that it gave up' : 'not healthy'}.`,
        hint: isPaused(group)
          ? 'The group is paused. `pgaf resume` starts the primary again, and fails it over when it is lost.'
          : 'Try again when it is; a primary that is down is failed over without a command.',
      },
    );
  }
  const transition: Transition = {
    node: leader.id,
    from: leader.goal,
    goal,
    rule,
    because: `the operator asked for ${designate(chosen)} ${wants}${forced ? ', by force' : ''}`,
  };
  const stopping = {
    ...withGoal(group, leader.id, goal),
    switchoverTarget: chosen.id,
    switchoverForced: forced,
  };
  return accept(stopping, { transitions: [transition] }, true, book);
}

function nobodyTakesOver(group: GroupSnapshot, target: number | null, where: string): Refusal {
  const asked = target === null ? null : nodeOf(group, target);
  const states = (asked ? [asked] : followersOf(group)).map(
    (node) =>
      `${designate(node)} reports ${node.reported}, is assigned ${node.goal}, ` +
      `has candidate priority ${node.candidatePriority} and is ${isHealthy(group, node) ? 'healthy' : 'not healthy'}.`,
  );
  return refuse(
    asked ? SQLSTATE.notInPrerequisiteState : SQLSTATE.internalError,
    asked
      ? `cannot promote ${designate(asked)}: it cannot take over`
      : `cannot fail over: no standby of ${where} can take over`,
    {
      detail: states.join(' '),
      hint: 'A standby takes over when it is a healthy secondary with a candidate priority above 0.',
    },
  );
}

export function performPromotion(
  group: GroupSnapshot,
  { name, forced }: { readonly name: string; readonly forced: boolean },
  book: RuleBook,
): CommandDecision {
  const node = group.nodes.find((each) => each.name === name);
  if (!node) return refuseUnknownNode(`there is no node "${name}" in the formation`);
  if (node.id === group.leader && node.reported === node.goal && canTakeWrites(node.goal)) {
    return { ...accept(group, {}, false, book), notice: `node "${name}" is the primary already` };
  }
  if (!isConverged(node, 'secondary')) {
    return refuse(SQLSTATE.notInPrerequisiteState, `cannot promote ${designate(node)}`, {
      detail: `It reports ${node.reported} and is assigned ${node.goal}.`,
      hint: 'Only a node that is secondary can be promoted.',
    });
  }
  return performFailover(group, { target: node.id, forced }, book);
}
