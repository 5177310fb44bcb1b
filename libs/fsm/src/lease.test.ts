import { expect, test } from 'vitest';
import { DEFAULT_LEASE } from './default-timings.js';
import { groupFixture, type NodeFixture } from './group-fixture.js';
import { leaseEnd, leaseIsOver } from './lease.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { GroupSnapshot, KeeperFacts } from './vocabulary.js';
import { whatFailoverWaitsFor } from './waiting.js';

const MARGIN = 1500;

/** A primary of which nothing is seen or heard, silent for so many seconds. */
function gone(silentFor: number, facts: KeeperFacts = { lease: DEFAULT_LEASE }): NodeFixture {
  const seen = { health: 'bad', refused: false, session: 'open' } as const;
  return { id: 1, reported: 'primary', silentFor, facts: { epoch: 1, confirmedSetting: 1, ...facts }, seen };
}

/** A standby whose stream is open, and brought its last message so many seconds ago. */
function follower(id: number, quietSeconds: number): NodeFixture {
  const upstream = { node: 1, streaming: true, closed: false, refused: false };
  return { id, reported: 'secondary', facts: { epoch: 1, upstream, quietFor: quietSeconds * 1000 } };
}

function promised(id: number, quietSeconds: number): NodeFixture {
  const promise = { epoch: 2, tli: 1, lsn: 1000n };
  return {
    ...follower(id, 0),
    reported: 'prepare_promotion',
    facts: { promise, quietFor: quietSeconds * 1000 },
  };
}

function goals(group: GroupSnapshot): string[] {
  return settle(group, baseRuleBook()).transitions.map(({ node, goal }) => `${node} ${goal}`);
}

const election = ['1 draining', '2 prepare_promotion'];

test('an election begins before the lease of a primary is over of which nobody hears', () => {
  expect(goals(groupFixture({ nodes: [gone(3.1), follower(2, 3.1)] }))).toEqual(election);
});

test.each<[string, NodeFixture, NodeFixture]>([
  ['that is silent for a moment only', gone(2), follower(2, 3.1)],
  ['that a standby has just heard', gone(60), follower(2, 1)],
  ['that holds itself to no lease', gone(60, {}), follower(2, 60)],
  [
    'whose Postgres answers the monitor',
    { ...gone(60), seen: { health: 'good', session: 'closed' } },
    follower(2, 60),
  ],
])('none begins over a primary %s', (_which, leader, standby) => {
  expect(goals(groupFixture({ nodes: [leader, standby] }))).toEqual([]);
});

test('a Postgres that does not answer its keeper is replaced unless it answers the monitor', () => {
  const hangs = (health: 'good' | 'bad'): NodeFixture => ({
    ...gone(0, { lease: DEFAULT_LEASE, hangs: true }),
    running: false,
    seen: { health },
  });
  expect(goals(groupFixture({ nodes: [hangs('bad'), follower(2, 0)] }))).toEqual(election);
  expect(goals(groupFixture({ nodes: [hangs('good'), follower(2, 0)] }))).toEqual([]);
});

test('a primary whose Postgres was killed and has not ended is not opened again, while another may come back', () => {
  const stopped = { belowEpoch: 2, finalLsn: null };
  const after = (facts: KeeperFacts) =>
    groupFixture({
      nodes: [
        { id: 1, reported: 'draining', running: false, facts: { epoch: 1, stopped, ...facts } },
        { ...promised(2, 60), reported: 'report_lsn', priority: 0 },
      ],
    });
  expect(goals(after({ doomed: true }))).toEqual([]);
  expect(goals(after({}))).toContain('1 wait_primary');
});

test('what a standby heard of another node is no sign of life', () => {
  const upstream = { node: 3, streaming: true, closed: false, refused: false };
  const standby = { ...follower(2, 0), facts: { epoch: 1, upstream, quietFor: 0 } };
  expect(goals(groupFixture({ nodes: [gone(3.1), standby] }))).toEqual(election);
});

test('a standby that fell silent with its primary vetoes no longer than its word is fresh', () => {
  const inForce = [{ version: 1, required: 1, members: [2, 3] }];
  const nodes = (silentFor: number) => [
    gone(60),
    follower(2, 60),
    { ...follower(3, 0), reported: 'secondary' as const, silentFor },
  ];
  const at = (silentFor: number): string =>
    whatFailoverWaitsFor(groupFixture({ nodes: nodes(silentFor), inForce })).join();
  expect(at(1)).toContain('node 3 "node_3" (127.0.0.1:5503) still hears from it');
  expect(at(4)).not.toContain('hears');
});

function electing(
  silentFor: number,
  quietSeconds: number,
  change: Partial<GroupSnapshot> = {},
): GroupSnapshot {
  const leader = { ...gone(silentFor), goal: 'draining' as const };
  return { ...groupFixture({ nodes: [leader, promised(2, quietSeconds)] }), ...change };
}

test('a promotion waits for the lease and its margin, counted from the last contact', () => {
  expect(goals(electing(5.4, 60))).toEqual([]);
  expect(goals(electing(5.5, 60))).toEqual(['1 demoted', '2 wait_primary']);
});

test('and from the last message that came to a node that promised', () => {
  expect(goals(electing(60, 5.4))).toEqual([]);
  expect(goals(electing(60, 5.5))).toEqual(['1 demoted', '2 wait_primary']);
  expect(whatFailoverWaitsFor(electing(60, 5.4)).join()).toContain('until its lease is over');
});

test('and from the start of the service, which has heard nothing before', () => {
  const started = groupFixture({ nodes: [] });
  const timings = { ...started.timings, serviceStartedAt: started.now - 5400 };
  expect(goals(electing(60, 60, { timings }))).toEqual([]);
});

test('a node that cannot say how long it has heard nothing may just have', () => {
  const group = groupFixture({
    nodes: [gone(60), { ...promised(2, 0), facts: { promise: { epoch: 2, tli: 1, lsn: 1000n } } }],
  });
  expect(leaseEnd(group, group.nodes[0]!)).toBe(group.now + DEFAULT_LEASE + MARGIN);
});

test('a lease that is longer than the default is waited for', () => {
  const leader = gone(10, { lease: 9000 });
  const at = (silentFor: number): boolean => {
    const group = groupFixture({ nodes: [{ ...leader, silentFor }, promised(2, 60)] });
    return leaseIsOver(group, group.nodes[0]!);
  };
  expect([at(10.4), at(10.5)]).toEqual([false, true]);
});

test('a silent leader is not removed by force before its lease is over', () => {
  const remove = (silentFor: number) =>
    decideCommand(
      groupFixture({ nodes: [gone(silentFor), follower(2, silentFor)] }),
      { kind: 'remove_node', node: 1, force: true },
      baseRuleBook(),
    );
  expect(remove(5)).toMatchObject({ tag: 'refused', sqlstate: '55006' });
  expect(remove(5.5)).toMatchObject({ tag: 'accepted' });
});
