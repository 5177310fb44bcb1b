import { expect, test } from 'vitest';
import { groupFixture, HOST_DOWN, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { KeeperFacts } from './vocabulary.js';

/** What the simulator found on its way: each of these groups was stuck, or was about to promote on no proof. */
const book = baseRuleBook();

function settled(fixture: GroupFixture): { goals: Record<number, string>; epoch: number } {
  const { group } = settle(groupFixture(fixture), book);
  return { goals: Object.fromEntries(group.nodes.map((node) => [node.id, node.goal])), epoch: group.epoch };
}

const stopped = (finalLsn: bigint | null) => ({ stopped: { belowEpoch: 2, finalLsn } });
const promise = (lsn: bigint) => ({ promise: { epoch: 2, tli: 1, lsn } });

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
  expect(outcome.goals).toEqual({ 1: 'draining', 2: 'prepare_promotion' });
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

/** Three nodes and more. */
const anyOf = (required: number, ...members: number[]) => [{ version: 1, required, members }];
const sawItGo = { upstream: { node: 1, streaming: false, closed: true, refused: true } };
const down: NodeFixture = { id: 1, reported: 'primary', goal: 'draining', ...HOST_DOWN };
const asked = (id: number, lsn: bigint, more: Partial<NodeFixture> = {}): NodeFixture => ({
  id,
  reported: 'report_lsn',
  facts: { ...promise(lsn), ...sawItGo },
  ...more,
});

test('a node that was chosen and goes away gives its place to another one that promised', () => {
  const lost = asked(2, 1000n, { reported: 'prepare_promotion', ...HOST_DOWN });
  const outcome = settled({ inForce: anyOf(1, 2, 3), nodes: [down, lost, asked(3, 1000n)] });
  expect(outcome.goals).toMatchObject({ 2: 'report_lsn', 3: 'prepare_promotion' });
});

test('it keeps its place where nobody else could take it', () => {
  const lost = asked(2, 1000n, { reported: 'prepare_promotion', ...HOST_DOWN });
  const outcome = settled({ inForce: anyOf(1, 2, 3), nodes: [down, lost, asked(3, 900n)] });
  expect(outcome.goals).toMatchObject({ 2: 'prepare_promotion', 3: 'report_lsn' });
});

test('a node that is still catching up promises, too: what it acknowledged counts', () => {
  const outcome = settled({
    inForce: anyOf(1, 2, 3),
    nodes: [
      { ...down, goal: 'primary' },
      { id: 2, reported: 'catchingup', goal: 'secondary' },
      { id: 3, reported: 'secondary' },
    ],
  });
  expect(outcome.goals).toEqual({ 1: 'draining', 2: 'report_lsn', 3: 'report_lsn' });
});

test('who promised more and is gone is not needed where the others are enough', () => {
  const nodes = [down, asked(2, 1000n), asked(3, 900n), asked(4, 1100n, HOST_DOWN)];
  expect(settled({ inForce: anyOf(2, 2, 3, 4), nodes }).goals).toMatchObject({ 2: 'prepare_promotion' });
  expect(settled({ inForce: anyOf(1, 2, 3, 4), nodes }).goals).toMatchObject({
    2: 'report_lsn',
    3: 'report_lsn',
  });
});

test('the best priority is chosen, and first receives what it lacks from who has most, if only a source', () => {
  const nodes = [down, asked(2, 900n, { priority: 90 }), asked(3, 1000n, { priority: 0 })];
  const { group } = settle(groupFixture({ inForce: anyOf(1, 2, 3), nodes }), book);
  expect(group.nodes.map((node) => node.goal)).toEqual(['draining', 'fast_forward', 'report_lsn']);
  expect(group.walSource).toBe(3);
});

test('a node that fast-forwards is promoted when it has what it lacked, and chosen anew when its source is gone', () => {
  const forwarding = (lsn: bigint): NodeFixture => asked(2, lsn, { reported: 'fast_forward', priority: 90 });
  const after = (...nodes: NodeFixture[]) =>
    settled({ inForce: anyOf(1, 2, 3), walSource: 3, nodes: [down, ...nodes] });
  expect(after(forwarding(1000n), asked(3, 1000n)).goals).toMatchObject({ 2: 'prepare_promotion' });
  expect(after(forwarding(999n), asked(3, 1000n)).goals).toMatchObject({ 2: 'report_lsn' });
  expect(after(asked(2, 900n, { goal: 'fast_forward' }), asked(3, 1000n, HOST_DOWN)).goals).toMatchObject({
    2: 'report_lsn',
  });
});

test('a source that the chosen node cannot reach is given up for another source, or for another candidate', () => {
  const cannot = (...noWalFrom: number[]): NodeFixture =>
    asked(2, 900n, {
      goal: 'fast_forward',
      priority: 90,
      facts: { ...promise(900n), ...sawItGo, noWalFrom },
    });
  const after = (forwarding: NodeFixture, fourth: NodeFixture) => {
    const fixture: GroupFixture = {
      inForce: anyOf(2, 2, 3, 4),
      walSource: 3,
      nodes: [down, forwarding, asked(3, 1000n), fourth],
    };
    const { group } = settle(groupFixture(fixture), book);
    return { goals: group.nodes.slice(1).map(({ goal }) => goal), source: group.walSource };
  };
  const also = asked(4, 1000n, { priority: 0 });
  expect(after(cannot(), also)).toEqual({ goals: ['fast_forward', 'report_lsn', 'report_lsn'], source: 3 });
  expect(after(cannot(3), also)).toEqual({ goals: ['fast_forward', 'report_lsn', 'report_lsn'], source: 4 });
  expect(after(cannot(3, 4), also).goals).toEqual(['report_lsn', 'prepare_promotion', 'report_lsn']);
});

test('a chosen node that somebody opened for writes on its way receives nothing, and another one is chosen', () => {
  const forwarding = asked(2, 900n, {
    goal: 'fast_forward',
    priority: 90,
    facts: { ...promise(900n), ...sawItGo, strayed: true },
  });
  const outcome = settled({
    inForce: anyOf(1, 2, 3),
    walSource: 3,
    nodes: [down, forwarding, asked(3, 1000n)],
  });
  expect(outcome.goals).toMatchObject({ 2: 'report_lsn', 3: 'prepare_promotion' });
});

test('one of a higher priority that is about to promise is waited for, and not for long', () => {
  const late = (unchangedFor: number): NodeFixture => ({
    id: 4,
    reported: 'secondary',
    goal: 'report_lsn',
    priority: 90,
    unchangedFor,
  });
  const after = (unchangedFor: number) =>
    settled({
      inForce: anyOf(2, 2, 3, 4),
      nodes: [down, asked(2, 1000n), asked(3, 1000n), late(unchangedFor)],
    }).goals;
  expect(after(0.1)).toMatchObject({ 2: 'report_lsn', 3: 'report_lsn' });
  expect(after(2)).toMatchObject({ 2: 'prepare_promotion' });
});

test('of a timeline that the group has not recorded yet, the node that has some of it is chosen, whatever its LSN', () => {
  const onNew = asked(2, 1000n, { facts: { promise: { epoch: 2, tli: 2, lsn: 1000n }, ...sawItGo } });
  const { group } = settle(
    {
      ...groupFixture({ inForce: anyOf(1, 2, 3), nodes: [down, onNew, asked(3, 2000n)] }),
      lineage: [],
    },
    book,
  );
  expect(group.nodes.map((node) => node.goal)).toEqual(['draining', 'prepare_promotion', 'report_lsn']);
});

test('only one node is told to take over from a primary that stopped', () => {
  const outcome = settled({
    switchoverTarget: 3,
    inForce: anyOf(1, 2, 3),
    nodes: [
      { id: 1, reported: 'draining', running: false, facts: stopped(1000n) },
      { id: 2, reported: 'secondary' },
      { id: 3, reported: 'secondary' },
    ],
  });
  expect(outcome.goals).toEqual({ 1: 'draining', 2: 'secondary', 3: 'prepare_promotion' });
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

/** It stopped in epoch 1 and was told to open again in epoch 2. */
const reopening: NodeFixture = {
  id: 1,
  reported: 'draining',
  goal: 'wait_primary',
  running: false,
  facts: { epoch: 1, ...stopped(1000n) },
};
const follows = (id: number, lsn: bigint, more: Partial<NodeFixture> = {}): NodeFixture => ({
  id,
  reported: 'join_secondary',
  lsn,
  facts: sawItGo,
  ...more,
});

test('a primary that is lost for good before it opens again is replaced', () => {
  const inForce = [...anyOf(1, 2, 3), { version: 2, required: 1, members: [2, 3] }];
  const lost = { ...reopening, ...HOST_DOWN };
  const begun = settled({ epoch: 2, inForce, nodes: [lost, follows(2, 1000n), follows(3, 900n)] });
  expect(begun.goals).toEqual({ 1: 'draining', 2: 'report_lsn', 3: 'report_lsn' });
  const promised = (id: number, lsn: bigint, reported: NodeFixture['reported']): NodeFixture =>
    follows(id, lsn, { reported, facts: { ...sawItGo, promise: { epoch: 3, tli: 1, lsn } } });
  const ended = settled({
    epoch: 2,
    inForce,
    nodes: [
      { ...lost, goal: 'draining' },
      promised(2, 1000n, 'prepare_promotion'),
      promised(3, 900n, 'report_lsn'),
    ],
  });
  expect(ended).toMatchObject({ goals: { 1: 'demoted', 2: 'wait_primary' }, epoch: 3 });
});

test('and not while one of those is away that may have a commit of the epoch before', () => {
  // It was taken out of the quorum since.
  const away = follows(3, 900n, { ...HOST_DOWN, quorum: false });
  const nodes = [{ ...reopening, ...HOST_DOWN }, follows(2, 1000n), away];
  const after = (inForce: GroupFixture['inForce'] & object) => settled({ epoch: 2, inForce, nodes }).goals;
  const now = { version: 2, required: 1, members: [2] };
  expect(after([...anyOf(1, 2, 3), now])).toMatchObject({ 1: 'wait_primary', 2: 'join_secondary' });
  expect(after([now])).toMatchObject({ 1: 'draining', 2: 'report_lsn' });
});

test('a primary that opens again waits as it did before until it is open, and keeps its settings', () => {
  const open = (nodes: readonly NodeFixture[], epoch: number) =>
    settle(groupFixture({ epoch, inForce: anyOf(1, 2), nodes }), book).group.settingsInForce;
  const ordered = open(
    [{ ...reopening, goal: 'draining' }, follows(2, 900n, { reported: 'secondary', ...HOST_DOWN })],
    1,
  );
  expect(ordered.map(({ required }) => required)).toEqual([1, 1]);
  const opened = open([{ id: 1, reported: 'wait_primary', facts: { epoch: 2 } }, follows(2, 900n)], 2);
  expect(opened.map(({ required }) => required)).toEqual([1, 0]);
});

test('a primary that has stopped, and whose keeper died before it said that it is there, hands over', () => {
  const primary: NodeFixture = { id: 1, reported: 'primary', running: false, facts: stopped(1000n) };
  // A commit may be there alone, so that no election replaces it.
  const inForce = [
    { version: 1, required: 0, members: [] },
    { version: 2, required: 1, members: [2] },
  ];
  const goals = settled({ inForce, nodes: [primary, follows(2, 1000n)] }).goals;
  expect(goals).toMatchObject({ 1: 'draining' });
});

test('who was given an epoch and stopped before it began it, alone has what was acknowledged before, and says so', () => {
  const inForce = [{ version: 2, required: 1, members: [2] }];
  const beside = (facts: KeeperFacts): Record<number, string> => {
    const stoppedEarly: NodeFixture = {
      id: 1,
      reported: 'draining',
      goal: 'draining',
      running: false,
      facts,
    };
    const next = { promise: { epoch: 3, tli: 1, lsn: 900n } };
    const nodes = [stoppedEarly, follows(2, 900n, { reported: 'report_lsn', facts: next })];
    const begun = [{ epoch: 1, tli: 1, switchpoint: null }];
    const { group } = settle({ ...groupFixture({ epoch: 2, inForce, nodes }), lineage: begun }, book);
    return Object.fromEntries(group.nodes.map(({ id, goal }) => [id, goal]));
  };
  const sworn = { epoch: 2, stopped: { belowEpoch: 3, finalLsn: null } };
  expect(beside({ ...sworn, promise: { epoch: 2, tli: 1, lsn: 1000n } })[2]).not.toBe('prepare_promotion');
  expect(beside({ ...sworn, promise: { epoch: 2, tli: 1, lsn: 900n } })[2]).toBe('prepare_promotion');
});
