import type { State } from '@pgaf/core/states';
import { accept, refuse, SQLSTATE, type CommandDecision } from './command-decision.js';
import { designate, followersOf, isConverged, leaderOf, withGoal } from './group.js';
import { isHealthy } from './health.js';
import { leaseLeft, whyTakesWrites } from './order-lossy-failover.js';
import type { RuleBook } from './rule-book.js';
import { orderPromotion, type Transition } from './settle.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/** Goals of standbys that followed the leader which is given up, or were about to replace it. */
const FOLLOWED: ReadonlySet<State> = new Set([
  'secondary',
  'join_secondary',
  'report_lsn',
  'fast_forward',
  'prepare_promotion',
]);

/**
 * An operator says which of two branches of a group is the real one: that of a leader that is lost, or that of a standby
 * which somebody opened for writes meanwhile. Whoever has the most of that branch leads from the next epoch on; what
 * others have beyond the fork is taken back when they follow.
 */
export function acceptTimeline(
  group: GroupSnapshot,
  tli: number,
  by: string | null,
  book: RuleBook,
): CommandDecision {
  const there = group.nodes.filter((node) => node.report.tli === tli && node.goal !== 'dropped');
  if (there.length === 0) {
    return refuse(SQLSTATE.raiseException, `no node of group ${group.group} is on timeline ${tli}`, {
      hint: 'See `pgaf show timeline` for the timelines there are.',
    });
  }
  const leader = leaderOf(group);
  if (leader && leader.report.tli === tli) {
    const is = `timeline ${tli} is that of the primary already`;
    return {
      ...accept(group, {}, true, book),
      notice: `${is}: nodes on others are rewound when they follow it`,
    };
  }
  if (leader && isHealthy(group, leader)) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot accept timeline ${tli}: ${designate(leader)} leads the group, on timeline ${leader.report.tli}`,
      { hint: 'Nodes on other timelines are rewound to it. Stop it first to give it up.' },
    );
  }
  const besides = leader && whyTakesWrites(group, leader);
  if (besides) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot accept timeline ${tli}: ${besides.reason}`,
      besides,
    );
  }
  const left = leader ? leaseLeft(group, leader) : 0;
  if (leader && left > 0) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot accept timeline ${tli} yet: ${designate(leader)} may still take writes`,
      {
        detail: `Its lease is over in ${Math.ceil(left / 1000)} s.`,
        hint: 'Try again then.',
      },
    );
  }
  const able = there.filter(
    (node) =>
      isHealthy(group, node) && isConverged(node, 'secondary', 'catchingup') && node.candidatePriority > 0,
  );
  const chosen = able.reduce<NodeSnapshot | null>(
    (best, node) => (best && best.report.lsn >= node.report.lsn ? best : node),
    null,
  );
  if (!chosen) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `no node on timeline ${tli} can lead group ${group.group}`,
      {
        detail: there
          .map((node) => `${designate(node)} reports ${node.reported} and is assigned ${node.goal}.`)
          .join(' '),
        hint: 'It must be running, be secondary or catchingup, and have a candidate priority above 0.',
      },
    );
  }
  return takeOver(
    group,
    leader,
    chosen,
    `${by === null ? 'the operator' : by} accepted timeline ${tli} as the real one`,
    book,
  );
}

function takeOver(
  group: GroupSnapshot,
  leader: NodeSnapshot | null,
  chosen: NodeSnapshot,
  because: string,
  book: RuleBook,
): CommandDecision {
  const others = followersOf(group).filter((node) => node.id !== chosen.id);
  const goals: [NodeSnapshot, 'wait_primary' | 'demoted' | 'catchingup'][] = [
    ...(leader ? [[leader, 'demoted'] as [NodeSnapshot, 'demoted']] : []),
    [chosen, 'wait_primary'],
    ...others
      .filter((node) => FOLLOWED.has(node.goal))
      .map((node): [NodeSnapshot, 'catchingup'] => [node, 'catchingup']),
  ];
  const transitions = goals.map(([node, goal]): Transition => ({
    node: node.id,
    from: node.goal,
    goal,
    rule: 'operator.timeline',
    because,
  }));
  const changed = goals.reduce((before, [node, goal]) => withGoal(before, node.id, goal), group);
  const ordered = orderPromotion({ ...changed, switchoverTarget: null, switchoverForced: false }, chosen.id);
  const accepted = accept(ordered, { transitions }, true, book);
  return { ...accepted, settled: { ...accepted.settled, epochRaised: true } };
}
