import { expect, test } from 'vitest';
import { anyOf, asked, down, promise, sawItGo, settled } from './election-fixture.js';
import { groupFixture, HOST_DOWN, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';

/** Who takes over of those that promised. */
const book = baseRuleBook();

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
