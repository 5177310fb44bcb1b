import type { Milliseconds } from '@pgaf/core/durations';
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
import { designate, followersOf, isConverged, leaderOf, nodeOf, withGoal } from './group.js';
import { canComeBack, isSilent, isUp } from './health.js';
import { lastHeardOf, longestLease } from './lease.js';
import { withCarriedNumber } from './quorum.js';
import {
  isBehindItsNodes,
  isHeard,
  mayLeadSince,
  strangerThatLeads,
  takeOverWithoutLeader,
} from './restored.js';
import type { RuleBook } from './rule-book.js';
import { withoutNode, type Transition } from './settle.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

export function removeNode(
  group: GroupSnapshot,
  id: number,
  force: boolean,
  book: RuleBook,
): CommandDecision {
  const node = nodeOf(group, id);
  if (!node) return refuseUnknownNode(`there is no node ${id}`);
  const followers = followersOf(group).filter((follower) => follower.id !== id);
  // Of a primary that hands over it is not known before the end that nobody needs what it has.
  const mayBeNeeded = id === group.leader && followers.length > 0;
  if (isConverged(node, 'dropped') && !mayBeNeeded)
    return accept(withoutNode(group, id), { removed: [id] }, true, book);
  if (force) return removeByForce(group, node, book);
  if (node.goal === 'dropped') return accept(group, {}, true, book);

  // What it says of the one before would end this one at once.
  if (node.report.facts.abandoned !== undefined) {
    return refuse(
      SQLSTATE.notYet,
      `cannot drop ${designate(node)} yet: it is ending a switchover that it gave up`,
      { hint: 'Try again in a second.' },
    );
  }
  if (mayBeNeeded && !canTakeWrites(node.goal)) return refuseOnItsWay(group, node);
  if (mayBeNeeded && candidatesOf(group).length === 0) return refuseWithoutSuccessor(group, node);
  if (id !== group.leader && leaderOf(group)?.goal === 'dropped' && followers.length === 0) {
    // Who waited would drop what is the last node by then, and may not know that.
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot drop ${designate(node)}: it takes over from the primary`,
      {
        detail: 'The primary is being dropped, and no other node would be left.',
        hint: 'Drop it again when show state reports it as single.',
      },
    );
  }
  const transition: Transition = {
    node: id,
    from: node.goal,
    goal: 'dropped',
    rule: 'operator.drop',
    because: 'the operator asked to drop the node',
  };
  const leaving = withGoal(group, id, 'dropped');
  // The drop of a leader may still be given up: the number changes with the promotion that makes it final.
  return accept(
    mayBeNeeded ? leaving : withCarriedNumber(leaving),
    { transitions: [transition] },
    true,
    book,
  );
}

const GIVEN_UP = 'stop this one, use --force, and give up what only it has';

/** One that is silent may never come to where it is to be. */
function refuseOnItsWay(group: GroupSnapshot, leader: NodeSnapshot): Refusal {
  const first = `it is to be ${leader.goal} first`;
  if (isSilent(group, leader)) {
    return refuse(SQLSTATE.notInPrerequisiteState, `cannot drop ${designate(leader)}: ${first}`, {
      detail: 'Its keeper is silent.',
      hint: `Start it, and try again when show state lists a primary; or ${GIVEN_UP}.`,
    });
  }
  return refuse(SQLSTATE.notYet, `cannot drop ${designate(leader)} yet: ${first}`, {
    hint: `Try again when show state lists a primary; or ${GIVEN_UP}.`,
  });
}

function refuseWithoutSuccessor(group: GroupSnapshot, leader: NodeSnapshot): Refusal {
  const coming = followersOf(group).find((follower) => comesBack(group, follower));
  if (coming) {
    return refuse(SQLSTATE.notYet, `cannot drop ${designate(leader)} yet: nobody can take over from it`, {
      detail: `That will be ${designate(coming)} once it is a healthy secondary; it is ${coming.reported} now.`,
      hint: `Try again then; or ${GIVEN_UP}.`,
    });
  }
  return refuse(
    SQLSTATE.notInPrerequisiteState,
    `cannot drop ${designate(leader)}: nobody can take over from it`,
    {
      detail: 'Another node of the group must be a healthy secondary with a candidate priority above 0.',
      hint: `Repair or drop the other nodes first; or ${GIVEN_UP}.`,
    },
  );
}

/** A candidate of soon: its keeper speaks, and is at work on being one. */
function comesBack(group: GroupSnapshot, node: NodeSnapshot): boolean {
  const isAway = node.goal === 'maintenance' || node.goal === 'wait_maintenance';
  const speaks = node.report.at !== null && !isSilent(group, node);
  return node.candidatePriority > 0 && speaks && !isAway && canComeBack(node);
}

/**
 * Nobody tells a node that is removed by force, so one that takes writes must not be left behind doing so. Of a restored
 * group, that is each node that has not said what it is.
 */
function removeByForce(group: GroupSnapshot, node: NodeSnapshot, book: RuleBook): CommandDecision {
  const others = group.nodes.filter((other) => other.id !== node.id && other.goal !== 'dropped');
  const mayLead = isBehindItsNodes(group) ? mayLeadSince(node) : node.id === group.leader;
  if (
    mayLead &&
    others.length > 0 &&
    (isUp(group, node) || (!isHeard(node) && node.seen.health === 'good'))
  ) {
    return refuse(
      SQLSTATE.notInPrerequisiteState,
      `cannot remove ${designate(node)} by force: it ${isHeard(node) ? 'takes' : 'may take'} writes`,
      {
        detail: 'It would go on taking them beside the node that is promoted in its place.',
        hint: isBehindItsNodes(group)
          ? 'Stop it first, with `pgaf stop` there.'
          : 'Drop it without --force, or stop it first with: pgaf stop.',
      },
    );
  }
  const left = mayLead && others.length > 0 ? leaseLeftOfSilent(group, node) : 0;
  if (left > 0) {
    return refuse(
      SQLSTATE.notYet,
      `cannot remove ${designate(node)} by force yet: it may still take writes`,
      {
        detail: `Its lease is over in ${Math.ceil(left / 1000)} s at most.`,
        hint: 'Try again then.',
      },
    );
  }
  const without = withCarriedNumber(withoutNode(group, node.id));
  // Who was given the epoch is given up with it.
  if (strangerThatLeads(without) !== node.id) return accept(without, { removed: [node.id] }, true, book);
  const { group: taken, transitions } = takeOverWithoutLeader(without);
  return accept(taken, { transitions, removed: [node.id] }, true, book);
}

/** For how long a silent leader may take writes; one whose host refuses connections takes none. */
function leaseLeftOfSilent(group: GroupSnapshot, { id, seen, report }: NodeSnapshot): Milliseconds {
  if ((seen.session === 'closed' && seen.refused) || report.at === null) return 0;
  const said = report.facts.lease === undefined ? 0 : report.at + report.facts.lease;
  const heard = lastHeardOf(group, id);
  const end = Math.max(said, heard === null ? 0 : heard + (report.facts.lease ?? longestLease(group)));
  return Math.max(0, end + group.timings.leaseMargin - group.now);
}
