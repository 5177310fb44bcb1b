import { formatLsn } from '@pgaf/core/lsn';
import { shellWord } from '@pgaf/core/shell-word';
import { canTakeWrites, type State } from '@pgaf/core/states';
import { isReadReplica } from './candidate-priority.js';
import { accept, refuse, SQLSTATE, type CommandDecision } from './command-decision.js';
import { designate, followersOf, isConverged, leaderOf, withGoal } from './group.js';
import { hasStopped, isHealthy, isSilent } from './health.js';
import { leaseEnd } from './lease.js';
import { whoMayHaveMore } from './may-have-more.js';
import { performFailover } from './order-failover.js';
import { promisedNodes, promiseOf } from './quorum.js';
import type { RuleBook } from './rule-book.js';
import type { Transition } from './settle.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

const RUNNING_STANDBY: readonly State[] = [
  'secondary',
  'catchingup',
  'join_secondary',
  'report_lsn',
  'prepare_promotion',
];

/**
 * An operator gives up what only a lost leader has, where nothing less will do. The group is without a leader from then
 * on, as when its row is removed by force, but its node stays: when it is back it is demoted, rewound, and follows.
 */
export function failOverWithLoss(group: GroupSnapshot, book: RuleBook): CommandDecision {
  const safe = performFailover(group, { target: null, forced: false }, book);
  if (safe.tag === 'accepted') return safe;
  const where = `group ${group.group} of formation "${group.formation.id}"`;
  const leader = leaderOf(group);
  if (!leader && holdsUpSomebody(group)) return accept({ ...group, switchoverForced: true }, {}, true, book);
  if (!leader) {
    return refuse(SQLSTATE.internalError, `cannot fail over: ${where} has no primary to replace`, {
      hint: 'A standby takes over as soon as it is healthy; `pgaf show state` says what is waited for.',
    });
  }
  if (isHealthy(group, leader)) {
    return refuse(
      SQLSTATE.internalError,
      `cannot give up what only ${designate(leader)} has: it is healthy`,
      {
        detail: 'Data are given up for a primary that is lost only.',
        hint: 'Fail over without --allow-data-loss, or mend a standby first.',
      },
    );
  }
  const besides = whyTakesWrites(group, leader);
  if (besides) return refuse(SQLSTATE.notInPrerequisiteState, `cannot fail over: ${besides.reason}`, besides);
  const left = leaseLeft(group, leader);
  if (left > 0) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot fail over yet: ${designate(leader)} may still take writes`,
      {
        detail: `Its lease is over in ${Math.ceil(left / 1000)} s.`,
        hint: 'Try again then.',
      },
    );
  }
  const able = followersOf(group).filter(
    (node) => isHealthy(group, node) && isConverged(node, ...RUNNING_STANDBY),
  );
  const candidates = able.filter((node) => node.candidatePriority > 0);
  if (candidates.length === 0 && able.length > 0 && able.every(isReadReplica)) {
    return refuse(SQLSTATE.internalError, `cannot fail over: only read replicas of ${where} are left`, {
      hint: 'None of them can take over: bring back the primary, or a standby of the cluster "default".',
    });
  }
  if (candidates.length === 0) {
    return refuse(SQLSTATE.internalError, `cannot fail over: no standby of ${where} can take over`, {
      hint: 'A standby must be running, with a candidate priority above 0; pgaf set node candidate-priority gives it one.',
    });
  }
  const most = mostWal(able);
  if (most.candidatePriority === 0 && candidates.every((node) => node.report.lsn < most.report.lsn)) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot fail over: ${designate(most)} has the most WAL, and its candidate priority is 0`,
      {
        hint: `Give it another one first: pgaf set node candidate-priority 1 --name ${shellWord(most.name)}`,
      },
    );
  }
  return accept(...ordered(group, leader, candidates), true, book);
}

/** Its leader was removed by force already, and who promised lacks what a node may have that is not there. */
function holdsUpSomebody(group: GroupSnapshot): boolean {
  return promisedNodes(group).some((node) => {
    const position = promiseOf(group, node);
    const isCandidate = node.candidatePriority > 0 && isHealthy(group, node);
    return position !== null && isCandidate && whoMayHaveMore(group, position) !== null;
  });
}

/** The group says that this loss was accepted until somebody leads it, so that nobody is waited for who may have more. */
function ordered(
  group: GroupSnapshot,
  leader: NodeSnapshot,
  candidates: readonly NodeSnapshot[],
): [GroupSnapshot, { readonly transitions: readonly Transition[] }] {
  const goal: State = candidates.length === 1 ? 'prepare_promotion' : 'report_lsn';
  const goals: [NodeSnapshot, State, string][] = [
    [
      leader,
      'demoted',
      `the operator gave up what only it has: it was last heard of at ${formatLsn(leader.report.lsn)} on timeline ${leader.report.tli}`,
    ],
    ...candidates.map((node): [NodeSnapshot, State, string] => [
      node,
      goal,
      'the operator accepted the loss of what only the primary has',
    ]),
  ];
  const transitions = goals.flatMap(([node, to, because]) =>
    node.goal === to
      ? []
      : [{ node: node.id, from: node.goal, goal: to, rule: 'operator.dataLoss', because }],
  );
  const changed = goals.reduce((before, [node, to]) => withGoal(before, node.id, to), group);
  return [{ ...changed, leader: null, switchoverTarget: null, switchoverForced: true }, { transitions }];
}

/**
 * Why a leader that nobody counts on may take writes for as long as it likes: the monitor logs in to it, and no keeper
 * says that it was stopped. One whose commits wait for nobody holds itself to no lease. Null when it does not.
 */
export function whyTakesWrites(
  group: GroupSnapshot,
  leader: NodeSnapshot,
): { readonly reason: string; readonly detail: string; readonly hint: string } | null {
  const answers = leader.seen.health === 'good' && canTakeWrites(leader.reported);
  if (!answers || hasStopped(group, leader)) return null;
  return {
    reason: `the Postgres of ${designate(leader)} answers the monitor`,
    detail: `Its keeper ${isSilent(group, leader) ? 'is not heard of' : 'does not vouch for it'}, and it may take writes beside the node that is promoted.`,
    hint: 'Start its service again with `pgaf run`; or stop what is left of it first, by `pgaf stop` there, or with its host.',
  };
}

/** For how long the leader may still take writes, ms; 0 when it cannot, or nobody can know. */
export function leaseLeft(group: GroupSnapshot, leader: NodeSnapshot): number {
  if (hasStopped(group, leader) || !canTakeWrites(leader.reported)) return 0;
  return Math.max(0, (leaseEnd(group, leader) ?? 0) - group.now);
}

function mostWal(nodes: readonly NodeSnapshot[]): NodeSnapshot {
  return nodes.reduce((best, node) => (node.report.lsn > best.report.lsn ? node : best));
}
