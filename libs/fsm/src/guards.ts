import type { Milliseconds } from '@pgaf/core/durations';
import { canTakeWrites, handsOver, promises, type State } from '@pgaf/core/states';
import { hearsNobody, isApartFromLeader } from './apart.js';
import {
  canPromise,
  choiceOf,
  hasElectionFailed,
  hasParted,
  isSourceLost,
  obstacleToElection,
  successorOf,
} from './election.js';
import { followersOf, isConverged, isPaused } from './group.js';
import {
  canComeBack,
  hasStopped,
  isHealthy,
  isLeaving,
  isLost,
  isSilent,
  isUp,
  provedDown,
  seemsDown,
} from './health.js';
import { leaseIsOver, seemsGone } from './lease.js';
import { ledBefore, mayHaveMore } from './may-have-more.js';
import {
  finalLsnOf,
  furthestTimeline,
  lacksOfStopped,
  obstacleToPromotion,
  opensWithQuorum,
  promiseOf,
} from './quorum.js';
import { endOfStopped } from './stopped-before.js';
import type { Guard, GroupSnapshot, NodeSnapshot } from './vocabulary.js';

const FOLLOWING: ReadonlySet<State> = new Set(['catchingup', 'secondary', 'join_secondary']);

/** Usually some 0.2 s. */
const JOIN_TAKES: Milliseconds = 5000;
/** Usually some 0.1 s; a standby that was just started replays what it has first. */
const PROMISE_TAKES: Milliseconds = 5000;

/** Usually some 0.02 s. */
const STREAM_END_TAKES: Milliseconds = 1000;

/** It runs, and may acknowledge commits as soon as the leader reaches it; or it has caught up, and is about to say so. */
function mayComeNearer(group: GroupSnapshot, node: NodeSnapshot): boolean {
  return ['catchingup', 'secondary'].includes(node.goal) && canPromise(node) && isHealthy(group, node);
}

/** Another one is asked to promise for the next epoch, or has; a monitor that was restored may not know of it. */
function othersPromise(group: GroupSnapshot, { id }: NodeSnapshot): boolean {
  return followersOf(group).some((node) => {
    const { promise, promising } = node.report.facts;
    const swears = Math.max(promise?.epoch ?? 0, promising ?? 0) > group.epoch;
    return node.id !== id && (swears || promises(node.goal));
  });
}

function isCutShort(leader: NodeSnapshot | null): boolean {
  return leader?.report.facts.stopped?.cutShort === true;
}

/** The conditions of the rule table that are more than a pattern. Each is pure and looks at one snapshot. */
export const BASE_GUARDS: Readonly<Record<string, Guard>> = {
  /** The subject is whom a handover or an election would choose. */
  isSuccessor: ({ group, subject }) => successorOf(group)?.id === subject.id,

  /** Of the nodes that promised, the subject is the one that the election chooses. */
  isChosen: ({ group, subject }) => choiceOf(group)?.node.id === subject.id,
  /** It has all that there is to be had. */
  lacksNothing: ({ group }) => choiceOf(group)?.source === null,
  /** The node that it receives from is gone, was asked for something else, or cannot be reached from here. */
  sourceIsLost: ({ group, subject }) => isSourceLost(group, subject),
  /** The node that was chosen cannot go on, and another one can. */
  anotherCanBeChosen: ({ group, subject }) => !isHealthy(group, subject) && choiceOf(group) !== null,

  /** No other node is about to take over, or could be told to. */
  nobodyElseTakesOver: ({ group }) =>
    !followersOf(group)
      .filter((node) => node.candidatePriority > 0 && isHealthy(group, node))
      .some((node) => isConverged(node, 'secondary') || promises(node.goal)),

  /** Nobody whose promise may still come could have more; also of those that are asked once the primary before has stopped. */
  allHavePromised: ({ group }) =>
    followersOf(group)
      .filter((node) => node.goal === 'report_lsn' || (FOLLOWING.has(node.goal) && canPromise(node)))
      .filter((node) => isHealthy(group, node) && !node.report.facts.strayed)
      .every((node) => promiseOf(group, node) !== null),

  /** No other candidate is there to take over, or none that has what the subject has, as far as that is known. */
  nobodyIsToBePreferred: ({ group, subject }) => {
    const end = endOfStopped(group, subject);
    const opensAgain = ledBefore(group, subject) && !isSilent(group, subject) && !group.switchoverForced;
    return !followersOf(group)
      .filter((node) => node.id !== subject.id && node.candidatePriority > 0 && isHealthy(group, node))
      .filter((node) => FOLLOWING.has(node.goal) || promises(node.goal))
      .some((node) => {
        const { tli, lsn } = promiseOf(group, node) ?? node.report;
        if (end === null && opensAgain) return !mayHaveMore(group, subject, { tli, lsn });
        // Where the subject ended is not known, but who received nothing of its timeline has less.
        if (end === null) return tli >= subject.report.tli;
        return tli > end.tli || (tli === end.tli && lsn >= end.lsn);
      });
  },

  /**
   * Nobody received anything of a timeline that the subject is not on: who was to lead there was given up, and not those
   * who followed. One that may not lead has a say, too, and one that is away.
   */
  nobodyIsOnLaterTimeline: ({ group, subject }) => furthestTimeline(group) <= subject.report.tli,

  noSuccessor: ({ group }) => successorOf(group) === null,

  someFollower: ({ group }) => followersOf(group).length > 0,
  onlyFollower: ({ group }) => followersOf(group).length === 1,
  severalFollowers: ({ group }) => followersOf(group).length > 1,
  noFollower: ({ group }) => followersOf(group).length === 0,
  alone: ({ group }) => group.nodes.length === 1,

  leaderSeemsDown: ({ group, leader }) =>
    leader !== null && (seemsDown(group, leader) || seemsGone(group, leader)),
  /** It was given an epoch after its stop, so that its oath is over, and its host has ended all that could open it. */
  reopeningLeaderIsDown: ({ group, leader }) =>
    leader !== null &&
    !hasStopped(group, leader) &&
    leader.seen.session === 'closed' &&
    seemsDown(group, leader),
  /** In a paused group nobody but an operator begins a failover; what was begun goes on. */
  mayFailOver: ({ group, leader }) => (leader !== null && handsOver(leader.goal)) || !isPaused(group),
  leaderHasStopped: ({ group, leader }) => leader !== null && hasStopped(group, leader),
  /** A late word of an epoch before says nothing of this one: who opens in it has begun anew. */
  leaderLeaves: ({ group, leader }) =>
    leader !== null && isLeaving(leader) && (leader.report.facts.epoch ?? group.epoch) === group.epoch,
  /** What is ordered of a leader that leaves, or cannot be started, is not done before it comes back, if ever. */
  leaderStays: ({ leader }) => leader !== null && canComeBack(leader),
  /** An epoch that is given to such a node keeps everybody else from taking writes until it is back. */
  subjectStays: ({ subject }) => canComeBack(subject),
  /** The subject is where the leader stopped, as far as it knows before it promises. */
  hasFinalLsn: ({ group, subject, leader }) => {
    const finalLsn = finalLsnOf(group, leader);
    return finalLsn !== null && subject.report.lsn >= finalLsn && subject.report.tli === leader?.report.tli;
  },
  /** The promotion rule where the leader has stopped, and nobody needs to promise. See quorum.ts. */
  hasAllOfStopped: ({ group, subject }) => lacksOfStopped(group, subject) === null,
  /** Not while a standby may do without: it says by itself what it has, soon after the stream from its leader has ended. */
  promiseIsNeeded: ({ group, subject, leader }) => {
    const { upstream } = subject.report.facts;
    const streamed = upstream?.streaming === true && upstream.node === leader?.id;
    if (!streamed || leader.goal !== 'draining' || opensWithQuorum(group)) return true;
    return othersPromise(group, subject) || group.now - leader.changedAt >= STREAM_END_TAKES;
  },
  /** Who has promised follows the subject as soon as it is ordered, and must not receive from one that has not. */
  nobodyElsePromises: ({ group, subject }) => !othersPromise(group, subject),
  /** It says where it stopped, and that is what decides: after an immediate stop promises do, where they can. */
  leaderHasFinalLsn: ({ group, leader }) =>
    finalLsnOf(group, leader) !== null && (!isCutShort(leader) || obstacleToElection(group) !== null),

  /**
   * No handover can follow the leader's stop: where it ended is not known, or who was to take over falls short, or
   * promises decide already. Then every standby that runs takes part.
   */
  stopCallsForElection: ({ group, leader }) => {
    if (!leader || !hasStopped(group, leader)) return false;
    const finalLsn = finalLsnOf(group, leader);
    if ((finalLsn === null || isCutShort(leader)) && obstacleToElection(group) === null) return true;
    if (finalLsn === null) return false;
    return followersOf(group).some((node) => {
      const promise = promiseOf(group, node);
      return (
        promise !== null && (promise.lsn < finalLsn || node.goal === 'report_lsn') && isHealthy(group, node)
      );
    });
  },
  /** Some other standby has not promised yet, or has promised with more WAL. */
  othersMayHaveMore: ({ group, subject }) => {
    const own = promiseOf(group, subject);
    if (own === null || obstacleToPromotion(group, subject) === null) return false;
    return followersOf(group)
      .filter((node) => node.id !== subject.id && isHealthy(group, node) && canPromise(node))
      .some((node) => {
        const other = promiseOf(group, node);
        return other === null || other.tli > own.tli || (other.tli === own.tli && other.lsn > own.lsn);
      });
  },

  /**
   * The old leader serves nobody any more: it acknowledged its stop, it is proved down, or its lease is over. Any standby
   * that streamed from it can testify: the one that is chosen may stream from another by now.
   */
  leaderIsOut: ({ group, leader }) =>
    leader === null ||
    hasStopped(group, leader) ||
    leaseIsOver(group, leader) ||
    followersOf(group).some((node) => !isSilent(group, node) && provedDown(leader, node)),

  /** The promotion rule: no acknowledged commit can be lost. See quorum.ts. */
  mayBePromoted: ({ group, subject }) => obstacleToPromotion(group, subject) === null,

  /** The leader stopped, and nobody else takes over: it does not say where, and no promises would suffice; or they do not. */
  onlyLeaderHasAll: ({ group, leader }) => {
    if (!leader || !hasStopped(group, leader)) return false;
    const isKnown = finalLsnOf(group, leader) !== null;
    return (!isKnown && obstacleToElection(group) !== null) || hasElectionFailed(group);
  },

  /** An election that begins now can end in a promotion. */
  electionCanSucceed: ({ group }) => obstacleToElection(group) === null,

  /**
   * On its disk at least, so that it refuses to follow anybody in this epoch. Who is told to promise, and has not measured
   * what it has, is about to by this monitor's order.
   */
  hasPromisedForNext: ({ group, subject: { goal, report } }) =>
    (report.facts.promise?.epoch ?? 0) > group.epoch ||
    (!promises(goal) && (report.facts.promising ?? 0) > group.epoch),

  /** The subject's promise is for an epoch that was given to another node since. */
  promiseIsOver: ({ group, subject }) => (subject.report.facts.promise?.epoch ?? 0) <= group.epoch,

  /** It has heard of this epoch, and has had the time to promise for the next one. */
  promiseIsMissing: ({ group, subject }) =>
    subject.report.facts.epoch === group.epoch &&
    promiseOf(group, subject) === null &&
    group.now - subject.changedAt > PROMISE_TAKES,

  abandonedSwitchover: ({ subject }) => subject.report.facts.abandoned !== undefined,

  /** The subject has WAL that is not on the leader's line. */
  hasParted: ({ group, subject }) => hasParted(group, subject.report),
  /** A reload was not enough to have it follow the new leader. */
  joinsTooLong: ({ group, subject }) => group.now - subject.changedAt > JOIN_TAKES,

  closeToLeader: ({ group, subject, leader }) =>
    leader !== null &&
    subject.report.tli === leader.report.tli &&
    subject.report.lsn > 0n &&
    leader.report.lsn - subject.report.lsn <= group.timings.enableSyncLag,

  /** Commits would wait for a standby that cannot acknowledge them, and the formation does not ask for that. */
  commitsNeedNotWait: ({ group }) => {
    const { numberSyncStandbys, partitionPolicy } = group.formation;
    if (numberSyncStandbys > 0) return false;
    const quorum = followersOf(group).filter((node) => node.quorum);
    const counted = quorum.length > 0 ? quorum : followersOf(group);
    if (partitionPolicy === 'durability' && counted.some((node) => mayComeNearer(group, node))) return false;
    return !counted.some((node) => isConverged(node, 'secondary') && !isLost(group, node));
  },

  /** No leader is about to go on without a standby that acknowledges commits. */
  leaderDoesNotWait: ({ leader }) => leader?.goal !== 'wait_primary',

  isApart: ({ group, subject }) => isApartFromLeader(group, subject),
  hearsLeader: ({ group, subject }) => !hearsNobody(group, subject),

  noQuorumFollower: ({ group }) => followersOf(group).every((node) => !node.quorum),

  /** No node is to take writes, and none that did is still at it. */
  nobodyTakesWrites: ({ group }) =>
    group.nodes.every(
      (node) => !canTakeWrites(node.goal) && !(canTakeWrites(node.reported) && isUp(group, node)),
    ),
};
