import type { Guard, MonitorRule } from '@pgaf/plugin-api/rules';
import type { GroupSnapshot, NodeSnapshot } from '@pgaf/plugin-api/snapshot';
import { leaseRenewed } from '@pgaf/fsm/held-lease';
import { hasStopped, isSilent, provedDown, seemsDown } from '@pgaf/fsm/health';
import { settle } from '@pgaf/fsm/settle';
import { test, vi } from 'vitest';
import type { WriteMemory } from './keeper-memory.js';
import { realMachine, type LeaseRules } from './machine.js';
import { reportOfModel } from './model-report.js';
import { always, expectFound, TWO_PRIMARIES, withGuards } from './search-broken.js';

/** Each clause of what keeps an old primary from serving anybody, broken on purpose: the simulator finds it. */
vi.setConfig({ testTimeout: 300_000 });

/** The leader is out when it would be proved down, were it or the candidate seen like this. */
function outIf(
  seen: (leader: NodeSnapshot, candidate: NodeSnapshot) => { leader: NodeSnapshot; candidate: NodeSnapshot },
): Guard {
  return ({ group, leader, subject }) => {
    if (!leader || hasStopped(group, leader)) return true;
    const as = seen(leader, subject);
    return provedDown(as.leader, as.candidate);
  };
}

function sees(
  node: NodeSnapshot,
  upstream: Partial<NonNullable<NodeSnapshot['report']['facts']['upstream']>>,
): NodeSnapshot {
  const { facts } = node.report;
  if (!facts.upstream) return node;
  return {
    ...node,
    report: { ...node.report, facts: { ...facts, upstream: { ...facts.upstream, ...upstream } } },
  };
}

test('a promotion without proof that the old leader is out', () => {
  expectFound(TWO_PRIMARIES, withGuards({ leaderIsOut: always }));
});

test('a leader taken for down that does not refuse the candidate', () => {
  const leaderIsOut = outIf((leader, candidate) => ({
    leader,
    candidate: sees(candidate, { closed: true, refused: true }),
  }));
  expectFound(TWO_PRIMARIES, withGuards({ leaderIsOut }));
});

test('a leader taken for down because it refuses, while its backends linger and stream', () => {
  const leaderIsOut = outIf((leader, candidate) => ({
    leader,
    candidate: sees(candidate, { streaming: false, closed: true }),
  }));
  expectFound(TWO_PRIMARIES, withGuards({ leaderIsOut }));
});

test('a decision of a service whose term is over', () => {
  expectFound(/./, { aborts: { ...realMachine().aborts, termIsOver: false } }, 'servicesOverlap');
});

test('a first report over a session that its keeper has given up, after one over the next session', () => {
  expectFound(/takes what node \d+ said before/, { sessionBegins: 'withItsFirstReport' });
});

test('a leader that opens from a cold start before anybody has confirmed it', () => {
  expectFound(TWO_PRIMARIES, { opens: () => true });
});

test('a leader that says it has stopped before it has', () => {
  const early: typeof reportOfModel = (known) => {
    const report = reportOfModel(known);
    const { epoch, goal, nodeId } = known.memory;
    if (goal !== 'draining' || !known.postgres.takesWrites || nodeId < 1) return report;
    const stopped = { belowEpoch: epoch + 1, finalLsn: BigInt(known.postgres.flushed) };
    return { ...report, reported: 'draining', facts: { ...report.facts, stopped } };
  };
  expectFound(TWO_PRIMARIES, { report: early });
});

test('a keeper that forgets that it stopped', () => {
  const write: WriteMemory = (before, after) => ({ ...after, stopped: before.stopped });
  expectFound(/./, { write });
});

test('a failover of a paused group', () => {
  expectFound(
    /of a paused group is draining by (election|handover\.leave)/,
    withGuards({ mayFailOver: always }),
  );
});

test('a silent leader that is replaced before its lease can be over', () => {
  const leaderIsOut: Guard = ({ group, leader }) =>
    !leader || hasStopped(group, leader) || isSilent(group, leader);
  expectFound(TWO_PRIMARIES, withGuards({ leaderIsOut }));
});

test('a leader that never ends with its lease', () => {
  expectFound(TWO_PRIMARIES, { lease: { ...realMachine().lease, end: () => null } });
});

test('a lease that counts from later than when the renewal was asked for', () => {
  const renewed: LeaseRules['renewed'] = (lease, at) => leaseRenewed(lease, at + 3000);
  expectFound(TWO_PRIMARIES, { lease: { ...realMachine().lease, renewed } });
});

test('a leader that is its own witness', () => {
  const newestWitnessed: LeaseRules['newestWitnessed'] = (messages) => messages.at(-1)?.writtenAt ?? null;
  expectFound(TWO_PRIMARIES, { lease: { ...realMachine().lease, newestWitnessed } });
});

// Either of the two is enough: who may open again has been answered since, and has said that nobody streams from it.
test('a leader taken for down while its keeper has a session, and has said that the stream is over', () => {
  const leaderIsOut = outIf((leader, candidate) => {
    const { streams: _, ...facts } = leader.report.facts;
    const report = { ...leader.report, facts };
    return { leader: { ...leader, report, seen: { ...leader.seen, session: 'closed' } }, candidate };
  });
  expectFound(TWO_PRIMARIES, withGuards({ leaderIsOut }), 'postgresReturns');
});

test('a leader taken for down that does not refuse the monitor', () => {
  const refusing = (leader: NodeSnapshot): NodeSnapshot => ({
    ...leader,
    seen: { ...leader.seen, health: 'bad', refused: true },
  });
  const { leaderSeemsDown } = realMachine().book.guards;
  const broken: Record<string, Guard> = {
    leaderSeemsDown: (about) =>
      leaderSeemsDown?.({ ...about, leader: about.leader && refusing(about.leader) }) === true,
    leaderIsOut: outIf((leader, candidate) => ({ leader: refusing(leader), candidate })),
  };
  expectFound(TWO_PRIMARIES, withGuards(broken), 'somebodyBetween');
});

test('a silence that is counted from before the service began', () => {
  expectFound(TWO_PRIMARIES, { settle: settlingWith({ serviceStartedAt: 0 }) }, 'monitorForgets');
});

/** Their timings are other ones than its group keeps. */
function settlingWith(timings: Partial<GroupSnapshot['timings']>): typeof settle {
  return (group, book) => {
    const settled = settle({ ...group, timings: { ...group.timings, ...timings } }, book);
    return { ...settled, group: { ...settled.group, timings: group.timings } };
  };
}

test('a lease whose end leaves no time to stop', () => {
  expectFound(TWO_PRIMARIES, { settle: settlingWith({ leaseMargin: 0 }) }, 'leaderIsCutOff');
});

test('a leader that is given up although a standby hears from it', () => {
  const leaderSeemsDown: Guard = ({ group, leader }) =>
    leader !== null &&
    (seemsDown(group, leader) || (isSilent(group, leader) && leader.seen.health === 'bad'));
  expectFound(/was given up while node \d+ heard from it/, withGuards({ leaderSeemsDown }));
});

/** Without the order to stop, the leader that is replaced may have been let write on since. */
test('a promotion over a leader that has reported since it was decided', () => {
  const { book, aborts } = realMachine();
  const rules = book.rules.map((rule): MonitorRule => {
    if (rule.id === 'election.begin' || rule.id === 'election.beginOnly')
      return { ...rule, assign: rule.assign.subject ? { subject: rule.assign.subject } : {} };
    return rule.id === 'promotion.order' ? { ...rule, leader: {} } : rule;
  });
  const broken = { book: { ...book, rules }, aborts: { ...aborts, nodeHasReported: false } };
  expectFound(TWO_PRIMARIES, broken, 'leaderReportsMeanwhile');
});
