import { expect, test } from 'vitest';
import { anyOf, asked, down, promise, settled, stopped } from './election-fixture.js';
import { groupFixture, HOST_DOWN, type NodeFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';

/** What the simulator found on its way: each of these groups was stuck, or was about to promote on no proof. */
const book = baseRuleBook();

test('a node that has not heard yet that it should promise is told otherwise when the leader reopens', () => {
  const outcome = settled({
    nodes: [
      { id: 1, reported: 'draining', running: false, facts: stopped(null) },
      { id: 2, reported: 'secondary', goal: 'prepare_promotion', ...HOST_DOWN },
    ],
  });
  expect(outcome).toEqual({ goals: { 1: 'wait_primary', 2: 'join_secondary' }, epoch: 2 });
});

test('a leader that stopped with commits which the promised standby lacks opens again', () => {
  const outcome = settled({
    nodes: [
      { id: 1, reported: 'draining', running: false, facts: stopped(2000n) },
      { id: 2, reported: 'prepare_promotion', facts: promise(1000n) },
    ],
  });
  expect(outcome).toEqual({ goals: { 1: 'wait_primary', 2: 'join_secondary' }, epoch: 2 });
});

test('a switchover given up does not resume in an epoch that its target will not follow any more', () => {
  const outcome = settled({
    nodes: [
      { id: 1, reported: 'primary', goal: 'draining', facts: { abandoned: 'node 2 does not stream' } },
      { id: 2, reported: 'prepare_promotion', facts: promise(1000n) },
    ],
  });
  expect(outcome.goals).toEqual({ 1: 'draining', 2: 'prepare_promotion' });
});

test('an election ends the switchover under way, so that the leader stops without waiting for its target', () => {
  const { group } = settle(
    groupFixture({
      switchoverTarget: 2,
      nodes: [
        { id: 1, reported: 'primary', goal: 'draining', ...HOST_DOWN },
        { id: 2, reported: 'secondary' },
      ],
    }),
    book,
  );
  expect(group).toMatchObject({ switchoverTarget: null, leader: 1 });
  expect(group.nodes[1]?.goal).toBe('prepare_promotion');
});

test('a leader that stopped before it heard that it should go on hands over, or opens anew', () => {
  const outcome = settled({
    nodes: [
      { id: 1, reported: 'draining', goal: 'wait_primary', running: false, facts: stopped(1000n) },
      { id: 2, reported: 'secondary' },
    ],
  });
  expect(outcome.goals).toEqual({ 1: 'demoted', 2: 'wait_primary' });
});

test('a primary that stopped to be dropped before it heard that it stays hands over', () => {
  const outcome = settled({
    nodes: [
      { id: 1, reported: 'dropped', goal: 'primary', running: false, facts: stopped(1000n) },
      { id: 2, reported: 'secondary' },
    ],
  });
  expect(outcome.goals).toEqual({ 1: 'draining', 2: 'secondary' });
});

test('a stream that had ended when the leader last reported does not prove that the leader is down', () => {
  const after = (streams: readonly number[]) =>
    settled({
      nodes: [
        { id: 1, reported: 'primary', goal: 'draining', ...HOST_DOWN, facts: { streams } },
        {
          id: 2,
          reported: 'prepare_promotion',
          facts: {
            ...promise(1000n),
            upstream: { node: 1, streaming: false, closed: true, refused: true },
          },
        },
      ],
    }).epoch;
  expect(after([2])).toBe(2);
  expect(after([])).toBe(1);
});

test('the last node that can take over from a primary on its way out is not dropped', () => {
  const group = groupFixture({
    nodes: [
      { id: 1, reported: 'primary', goal: 'dropped' },
      { id: 2, reported: 'secondary' },
    ],
  });
  expect(decideCommand(group, { kind: 'remove_node', node: 2, force: false }, book)).toMatchObject({
    tag: 'refused',
    sqlstate: '55000',
  });
});

test('only one node is told to take over from a primary that stopped', () => {
  const goals = (lsn: bigint) =>
    settled({
      switchoverTarget: 3,
      inForce: anyOf(1, 2, 3),
      nodes: [
        { id: 1, reported: 'draining', running: false, facts: stopped(1000n) },
        { id: 2, reported: 'secondary', lsn },
        { id: 3, reported: 'secondary', lsn },
      ],
    }).goals;
  expect(goals(1000n)).toEqual({ 1: 'demoted', 2: 'join_secondary', 3: 'wait_primary' });
  expect(goals(999n)).toEqual({ 1: 'draining', 2: 'secondary', 3: 'prepare_promotion' });
});

test('when that one falls short of the final LSN the others are asked, before the primary opens again', () => {
  const after = (...nodes: NodeFixture[]) =>
    settled({
      inForce: anyOf(1, 2, 3),
      nodes: [{ id: 1, reported: 'draining', running: false, facts: stopped(1000n) }, ...nodes],
    });
  const short = asked(2, 900n, { reported: 'prepare_promotion' });
  expect(after(short, { id: 3, reported: 'secondary' }).goals).toEqual({
    1: 'draining',
    2: 'report_lsn',
    3: 'report_lsn',
  });
  expect(after(short, asked(3, 1000n, { priority: 0 })).goals).toMatchObject({
    1: 'draining',
    2: 'report_lsn',
  });
  expect(after(asked(2, 900n), asked(3, 1000n)).goals).toMatchObject({ 3: 'prepare_promotion' });
  expect(after(asked(2, 900n), asked(3, 950n))).toMatchObject({ goals: { 1: 'wait_primary' }, epoch: 2 });
});

test('a primary that stopped does not wait for the promise of a standby that somebody opened for writes', () => {
  const opened = asked(2, 0n, { facts: { strayed: true } });
  const outcome = settled({
    inForce: anyOf(1, 2, 3),
    nodes: [{ id: 1, reported: 'draining', running: false, facts: stopped(1000n) }, opened, asked(3, 900n)],
  });
  expect(outcome).toMatchObject({ goals: { 1: 'wait_primary' }, epoch: 2 });
});

test('a standby that was opened after its promise counts as far as that goes, and receives nothing', () => {
  const opened = (lsn: bigint, more: Partial<NodeFixture> = {}): NodeFixture =>
    asked(2, lsn, { priority: 90, ...more, facts: { ...promise(lsn), strayed: true } });
  const lost: NodeFixture = { id: 1, reported: 'draining', running: false, facts: stopped(null) };
  const after = (...nodes: NodeFixture[]) => settled({ inForce: anyOf(1, 2, 3), nodes: [lost, ...nodes] });
  expect(after(opened(900n), asked(3, 1000n)).goals).toMatchObject({
    2: 'report_lsn',
    3: 'prepare_promotion',
  });
  expect(after(opened(1000n), asked(3, 900n)).goals).toMatchObject({ 2: 'prepare_promotion' });
  expect(after(opened(900n), { id: 3, reported: 'secondary' }).goals).toMatchObject({ 3: 'report_lsn' });
});

test('a primary that stopped opens again where the nodes that are there cannot promise enough', () => {
  const outcome = settled({
    inForce: anyOf(1, 2, 3),
    nodes: [
      { id: 1, reported: 'draining', running: false, facts: stopped(null) },
      asked(2, 1000n),
      { id: 3, reported: 'secondary', ...HOST_DOWN },
    ],
  });
  expect(outcome).toMatchObject({ goals: { 1: 'wait_primary' }, epoch: 2 });
});

test('a node that came back from a maintenance while the primary stopped keeps nobody from taking over', () => {
  const after = (...nodes: NodeFixture[]) =>
    settled({
      inForce: anyOf(2, 3, 4, 5),
      nodes: [{ id: 1, reported: 'draining', running: false, facts: stopped(1000n) }, ...nodes],
    }).goals;
  const back = asked(2, 1000n, { priority: 0, quorum: false });
  expect(after(back, { id: 3, reported: 'secondary' })).toMatchObject({ 3: 'prepare_promotion' });
  // Who is no candidate, or on its way, takes part.
  expect(after(back, { id: 3, reported: 'catchingup', lsn: 900n })).toMatchObject({ 3: 'report_lsn' });
  expect(after(back, asked(3, 900n))).toMatchObject({ 3: 'fast_forward' });
  expect(after(asked(2, 900n), asked(3, 900n))).toMatchObject({ 1: 'wait_primary' });
});

test('when a primary was cut short and no promises can decide, who has all that it had takes over, or it opens again', () => {
  const after = (...nodes: NodeFixture[]) =>
    settled({
      inForce: anyOf(0),
      nodes: [
        {
          id: 1,
          reported: 'draining',
          running: false,
          facts: { stopped: { belowEpoch: 2, finalLsn: 1000n, cutShort: true } },
        },
        ...nodes,
      ],
    }).goals;
  const short = asked(2, 900n, { reported: 'prepare_promotion' });
  expect(after(short, { id: 3, reported: 'secondary' })).toMatchObject({ 2: 'report_lsn', 3: 'report_lsn' });
  expect(after(asked(2, 900n), asked(3, 1000n))).toMatchObject({ 3: 'prepare_promotion' });
  expect(after(asked(2, 900n), asked(3, 900n))).toMatchObject({ 1: 'wait_primary' });
});

test('without a primary, who was chosen and lacks what another one has gives way', () => {
  const short = asked(2, 900n, { reported: 'prepare_promotion' });
  const outcome = settled({ leader: null, inForce: anyOf(1, 2, 3), nodes: [short, asked(3, 1000n)] });
  expect(outcome.goals).toEqual({ 2: 'report_lsn', 3: 'prepare_promotion' });
});

test('without a primary, a node that was on its way to follow it takes part', () => {
  const waits: NodeFixture = { id: 2, reported: 'catchingup', goal: 'secondary' };
  expect(settled({ leader: null, nodes: [waits] }).goals).toEqual({ 2: 'prepare_promotion' });
  const back: NodeFixture = { id: 2, reported: 'maintenance', goal: 'catchingup' };
  expect(settled({ leader: null, nodes: [back] }).goals).toEqual({ 2: 'report_lsn' });
});

test('a primary that stopped is not held up by a standby that cannot become secondary any more', () => {
  const after = (standby: Pick<NodeFixture, 'reported' | 'goal'>) =>
    settled({
      inForce: anyOf(0),
      nodes: [
        { id: 1, reported: 'draining', running: false, facts: stopped(1000n) },
        { id: 2, lsn: 900n, ...standby },
      ],
    }).goals;
  expect(after({ reported: 'join_secondary' })).toMatchObject({ 1: 'wait_primary' });
  expect(after({ reported: 'catchingup', goal: 'secondary' })).toMatchObject({ 1: 'wait_primary' });
});

test('a primary that is about to open is not taken for one that is down', () => {
  const outcome = settled({
    epoch: 2,
    inForce: anyOf(1, 2, 3),
    nodes: [
      { id: 1, reported: 'draining', goal: 'wait_primary', running: false, facts: stopped(1000n) },
      { id: 2, reported: 'join_secondary' },
      { id: 3, reported: 'join_secondary' },
    ],
  });
  expect(outcome.goals).toEqual({ 1: 'wait_primary', 2: 'join_secondary', 3: 'join_secondary' });
});

test('without a primary, which was removed by force, who has most takes over', () => {
  const nodes: NodeFixture[] = [
    { id: 2, reported: 'secondary' },
    { id: 3, reported: 'secondary' },
  ];
  const inForce = anyOf(1, 2, 3);
  expect(settled({ leader: null, inForce, nodes }).goals).toEqual({ 2: 'report_lsn', 3: 'report_lsn' });
  expect(settled({ leader: null, inForce, nodes: [asked(2, 900n), asked(3, 1000n)] }).goals).toMatchObject({
    3: 'prepare_promotion',
  });
});

test('a timeline that nobody received anything of does not keep those from taking over who have all before it', () => {
  const after = (second: bigint) =>
    settle(
      {
        ...groupFixture({ inForce: anyOf(1, 2, 3), nodes: [down, asked(2, second), asked(3, 900n)] }),
        lineage: [
          { epoch: 0, tli: 1, switchpoint: null },
          { epoch: 1, tli: 2, switchpoint: 1000n },
        ],
      },
      book,
    ).group.nodes.map((node) => node.goal);
  expect(after(1000n)).toEqual(['draining', 'prepare_promotion', 'report_lsn']);
  expect(after(999n)).toEqual(['draining', 'report_lsn', 'report_lsn']);
});
