import { expect, test } from 'vitest';
import { anyOf, sawItGo, settled, stopped } from './election-fixture.js';
import { groupFixture, HOST_DOWN, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { KeeperFacts } from './vocabulary.js';

const book = baseRuleBook();

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
