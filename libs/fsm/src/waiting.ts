import { canTakeWrites, handsOver } from '@pgaf/core/states';
import { whatCommitsWaitFor } from './apart.js';
import { isReadReplica } from './candidate-priority.js';
import { choiceOf, obstacleToElection } from './election.js';
import { designate, followersOf, hasNotOpened, isPaused, isReopening, leaderOf } from './group.js';
import { hasStopped, isHealthy, isSilent, provedDown, runsPostgres } from './health.js';
import { leaseEnd, leaseIsOver, standbyThatHears } from './lease.js';
import { howToHaveItBack, ledBefore, whoMayHaveMore } from './may-have-more.js';
import { nodesThatCount, obstacleToPromotion, promisedNodes, promiseOf } from './quorum.js';
import { whatRestoringWaitsFor } from './restored.js';
import { stoppedBeyond } from './stopped-before.js';
import type { GroupSnapshot, NodeSnapshot } from './vocabulary.js';

/**
 * Why a group has no node that takes writes, or is about to have none: one sentence each, naming the node
 * that it waits for. Empty when its leader is well. No clock is in them, so that they change only when the
 * reason does. A pause is named for as long as it lasts.
 */
export function whatFailoverWaitsFor(group: GroupSnapshot): string[] {
  const paused = group.nodes
    .filter((node) => node.paused)
    .map((node) => `${designate(node)} is paused: no failover without an order until \`pgaf resume\``);
  return [...paused, ...obstacles(group)];
}

function obstacles(group: GroupSnapshot): string[] {
  if (group.nodes.length === 0) return [];
  const restoring = whatRestoringWaitsFor(group);
  if (restoring !== null) return [restoring];
  const leader = leaderOf(group);
  if (!leader) return [whatNobodyLeadsFor(group)];
  if (isHealthy(group, leader)) return whatCommitsWaitFor(group);
  if (leader.report.at === null || leader.reported === 'init') return [];

  const sentences = [whatIsWrong(group, leader)];
  if (isPaused(group) && !handsOver(leader.goal)) return sentences;
  if (followersOf(group).length === 0) return [...sentences, 'no other node is there to take over'];
  if (canTakeWrites(leader.goal) && (hasNotOpened(leader) || isReopening(leader))) {
    return [
      ...sentences,
      `it was ordered to take writes in epoch ${group.epoch}; the group waits for it to come back`,
    ];
  }
  const promised = promisedNodes(group);
  const obstaclesLeft =
    promised.length > 0 ? obstaclesOfPromises(group, leader, promised) : obstaclesOfElection(group, leader);
  if (isSteppingDown(group, leader) && obstaclesLeft.length === 0) return [];
  return [...sentences, ...obstaclesLeft];
}

function whatNobodyLeadsFor(group: GroupSnapshot): string {
  return `the group has no primary: what only it had was given up, and ${whyNobodyTakesOver(group)}`;
}

function whyNobodyTakesOver(group: GroupSnapshot): string {
  if (group.nodes.every(isReadReplica)) return 'only read replicas are left, which cannot take over';
  const candidates = group.nodes.filter((node) => node.candidatePriority > 0);
  const last = Math.max(0, ...candidates.map(({ report }) => report.tli));
  const followed = (node: NodeSnapshot): string =>
    `${designate(node)} alone has followed it to timeline ${node.report.tli}`;
  const counted = nodesThatCount(group);
  const ahead = counted.find(({ report }) => report.tli > last);
  if (ahead) return `${followed(ahead)}, and has candidate priority 0`;
  const stopped = candidates.map((node) => {
    const position = promiseOf(group, node);
    return position && stoppedBeyond(group, position);
  });
  const withMore = stopped.find((node) => node?.candidatePriority === 0);
  if (withMore) {
    return (
      `${designate(withMore)} stopped with more than any standby has, and has candidate priority 0: ` +
      'give it another one so that it opens again, or drop it and lose what only it has'
    );
  }
  const present = counted.filter((node) => isHealthy(group, node));
  const reached = Math.max(0, ...present.map(({ report }) => report.tli));
  const away = counted.find((node) => !isHealthy(group, node) && node.report.tli > reached);
  if (away) {
    const how = isSilent(group, away) ? 'is away: start it' : 'is not well: mend it';
    return `${followed(away)}, and ${how}, or drop it and lose what only it has`;
  }
  return whatIsOutOfReach(group) ?? 'no standby can take over yet';
}

/** Of the nodes that are not there, the one that keeps who has promised from taking over. */
function whatIsOutOfReach(group: GroupSnapshot): string | null {
  const lacking = group.nodes.map((node) => {
    const position = promiseOf(group, node);
    return position && whoMayHaveMore(group, position);
  });
  const node = lacking.find((each) => each !== null);
  if (!node) return null;
  const what = ledBefore(group, node)
    ? ', which led before it, may have commits that no standby has, and'
    : ' has more than any standby that is there, and';
  return `${designate(node)}${what} ${howToHaveItBack(group, node)}`;
}

/** It was told to stop, and its keeper is at it: nothing has to prove that it is down. */
function isSteppingDown(group: GroupSnapshot, leader: NodeSnapshot): boolean {
  return handsOver(leader.goal) && !isSilent(group, leader);
}

function whatIsWrong(group: GroupSnapshot, leader: NodeSnapshot): string {
  const who = designate(leader);
  if (!isSilent(group, leader) && !runsPostgres(leader)) {
    return `${who}: its Postgres is not running`;
  }
  if (isSilent(group, leader)) return `${who} is silent`;
  return `${who} answers no health check`;
}

function obstaclesOfElection(group: GroupSnapshot, leader: NodeSnapshot): string[] {
  const obstacle = obstacleToElection(group);
  if (obstacle) return [`no failover: ${obstacle}`];
  if (isSteppingDown(group, leader) || (leader.seen.session === 'closed' && leader.seen.refused)) return [];
  const hears = standbyThatHears(group, leader);
  if (hears) return [`no failover: ${designate(hears)} still hears from it`];
  if (leaseEnd(group, leader) !== null) return [leaseSentence(leader)];
  const sees = [
    leader.seen.session !== 'closed' && 'its session to the monitor was not closed',
    !leader.seen.refused && 'its host does not refuse connections',
  ].filter((sentence) => sentence !== false);
  return [
    `no failover: nothing proves that it is down (${sees.join(', ')}); a silent node may still take writes`,
  ];
}

function obstaclesOfPromises(
  group: GroupSnapshot,
  leader: NodeSnapshot,
  promised: readonly NodeSnapshot[],
): string[] {
  const [candidate] = promised
    .filter((node) => node.id !== leader.id && node.candidatePriority > 0 && isHealthy(group, node))
    .sort((a, b) => compare(promiseOf(group, b)?.lsn, promiseOf(group, a)?.lsn));
  if (!candidate) return ['no failover: of the nodes that promised none is healthy and a candidate'];
  const obstacle = choiceOf(group) === null ? obstacleToPromotion(group, candidate) : null;
  if (obstacle) return [`no failover: ${obstacle}`];
  if (
    hasStopped(group, leader) ||
    isSteppingDown(group, leader) ||
    promised.some((node) => provedDown(leader, node)) ||
    leaseIsOver(group, leader)
  )
    return [];
  if (leaseEnd(group, leader) !== null) return [leaseSentence(leader)];
  return [
    `no failover yet: ${designate(candidate)} has promised, and nothing proves that the primary is down`,
  ];
}

function leaseSentence(leader: NodeSnapshot): string {
  return leader.seen.health === 'bad'
    ? 'no failover yet: until its lease is over, it may still take writes'
    : 'no failover: its Postgres still answers the monitor';
}

function compare(a = 0n, b = 0n): number {
  return Number(a > b) - Number(a < b);
}
