import { canTakeWrites } from '@pgaf/core/states';
import { refusePriority } from './candidate-priority.js';
import {
  accept,
  refuse,
  refuseUnknownNode,
  SQLSTATE,
  type CommandDecision,
  type Refusal,
} from './command-decision.js';
import { designate, followersOf, isConverged, leaderOf } from './group.js';
import type { RuleBook } from './rule-book.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

export function setCandidatePriority(
  group: GroupSnapshot,
  name: string,
  priority: number,
  book: RuleBook,
): CommandDecision {
  const node = nodeNamed(group, name);
  if ('tag' in node) return node;
  const refusal = refusePriority(node, priority);
  if (refusal) return refusal;
  const changed = withNode(group, { ...node, candidatePriority: priority });
  const decision = apply(
    changed,
    `the operator set the candidate priority of "${name}" to ${priority}`,
    book,
  );
  const candidates = changed.nodes.filter((each) => each.candidatePriority > 0 && each.goal !== 'dropped');
  if (decision.tag === 'refused' || priority > 0 || candidates.length > 1) return decision;
  const left = candidates[0] ? `only ${designate(candidates[0])} is` : 'no node is';
  return { ...decision, notice: `${left} a candidate now: nothing can be failed over to another one` };
}

export function setReplicationQuorum(
  group: GroupSnapshot,
  name: string,
  quorum: boolean,
  book: RuleBook,
): CommandDecision {
  const node = nodeNamed(group, name);
  if ('tag' in node) return node;
  const changed = withNode(group, { ...node, quorum });
  if (!quorum) {
    if (!writableLeader(group)) return noPrimary(group);
    const refusal = refuseUncarried(changed, group.formation.numberSyncStandbys);
    if (refusal) return refusal;
  }
  const side = quorum ? 'into' : 'out of';
  return apply(changed, `the operator took "${name}" ${side} the replication quorum`, book);
}

/** Of a formation, in one of its groups. */
export function setNumberSyncStandbys(group: GroupSnapshot, number: number, book: RuleBook): CommandDecision {
  if (!Number.isInteger(number) || number < 0) {
    return refuse(SQLSTATE.invalidParameterValue, `number_sync_standbys cannot be ${number}`, {
      hint: 'Give a whole number from 0.',
    });
  }
  const leader = writableLeader(group);
  if (!leader) return noPrimary(group);
  if (!isConverged(leader, 'single', 'wait_primary', 'primary')) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot set number_sync_standbys: ${designate(leader)} is not in a stable state`,
      {
        detail: `It reports ${leader.reported} and is assigned ${leader.goal}.`,
        hint: 'Try again when show state reports it as primary.',
      },
    );
  }
  const refusal = refuseUncarried(group, number);
  if (refusal) return refusal;
  const changed = { ...group, formation: { ...group.formation, numberSyncStandbys: number } };
  return apply(changed, `the operator set number_sync_standbys to ${number}`, book);
}

/**
 * A primary takes in what changed by way of `apply_settings`. One that is on its way to another state takes it in
 * there: the newest setting is in force before it is primary.
 */
function apply(changed: GroupSnapshot, because: string, book: RuleBook): CommandDecision {
  const leader = leaderOf(changed);
  if (!leader || !isConverged(leader, 'primary')) return accept(changed, {}, true, book);
  const transition = {
    node: leader.id,
    from: leader.goal,
    goal: 'apply_settings',
    rule: 'operator.settings',
    because,
  } as const;
  const applying = withNode(changed, { ...leader, goal: transition.goal });
  return accept(applying, { transitions: [transition] }, true, book);
}

/** Commits that wait for n standbys must not stop when one of them is lost, so n + 1 take part. */
function refuseUncarried(group: GroupSnapshot, number: number): Refusal | null {
  const standbys = followersOf(group).filter((node) => node.quorum).length;
  if (number === 0 || number + 1 <= standbys) return null;
  return refuse(
    SQLSTATE.invalidParameterValue,
    `group ${group.group} of formation "${group.formation.id}" cannot carry number_sync_standbys ${number}`,
    {
      detail:
        `At least ${number + 1} standbys must take part in the replication quorum, ` +
        `so that commits go on when one is lost; ${standbys} would.`,
      hint: 'Add standbys, take others into the quorum with `pgaf set node replication-quorum true`, or lower the number.',
    },
  );
}

function writableLeader(group: GroupSnapshot): NodeSnapshot | null {
  const leader = leaderOf(group);
  return leader && canTakeWrites(leader.goal) ? leader : null;
}

function noPrimary(group: GroupSnapshot): Refusal {
  return refuse(
    SQLSTATE.internalError,
    `group ${group.group} of formation "${group.formation.id}" has no primary now`,
    { hint: 'Try again when show state lists one.' },
  );
}

function nodeNamed(group: GroupSnapshot, name: string): NodeSnapshot | Refusal {
  return (
    group.nodes.find((node) => node.name === name) ??
    refuseUnknownNode(`formation "${group.formation.id}" has no node named "${name}"`)
  );
}

function withNode(group: GroupSnapshot, changed: NodeSnapshot): GroupSnapshot {
  return { ...group, nodes: group.nodes.map((node) => (node.id === changed.id ? changed : node)) };
}
