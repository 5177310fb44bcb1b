import { expect, test } from 'vitest';
import { groupFixture, HOST_DOWN, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { NodeSnapshot } from './vocabulary.js';
import { whatFailoverWaitsFor } from './waiting.js';

const book = baseRuleBook();
const DRAINED: NodeFixture = {
  id: 1,
  reported: 'draining',
  running: false,
  facts: { stopped: { belowEpoch: 2, finalLsn: 2000n } },
};

function standby(lsn: bigint, more: Partial<NodeFixture> = {}): NodeFixture {
  return { id: 2, reported: 'secondary', lsn, ...more };
}

function settled(fixture: GroupFixture) {
  const { group, transitions } = settle(groupFixture({ switchoverTarget: 2, ...fixture }), book);
  return {
    ...Object.fromEntries(group.nodes.map((node) => [node.id, node.goal])),
    epoch: group.epoch,
    leader: group.leader,
    rules: [...new Set(transitions.map(({ rule }) => rule))],
  };
}

test('who has all that the primary had when it stopped is told to take over, and not to promise first', () => {
  expect(settled({ nodes: [DRAINED, standby(2000n)] })).toEqual({
    1: 'demoted',
    2: 'wait_primary',
    epoch: 2,
    leader: 2,
    rules: ['handover.order'],
  });
});

test('the others follow it', () => {
  const nodes = [DRAINED, standby(2000n), { id: 3, reported: 'secondary', lsn: 1900n } as const];
  const inForce = [{ version: 1, required: 1, members: [2, 3] }];
  expect(settled({ nodes, inForce })).toMatchObject({ 2: 'wait_primary', 3: 'join_secondary', leader: 2 });
});

test('who has not said that it has all of it is asked', () => {
  expect(settled({ nodes: [DRAINED, standby(1999n)] })).toMatchObject({ 2: 'prepare_promotion', epoch: 1 });
});

test('who streamed when it last reported is about to say what it has, and is waited for a moment', () => {
  const facts = { upstream: { node: 1, streaming: true, closed: false, refused: false } };
  const after = (unchangedFor: number) =>
    settled({ nodes: [{ ...DRAINED, unchangedFor }, standby(1999n, { facts })] });
  expect(after(0.5)).toMatchObject({ 2: 'secondary', epoch: 1 });
  expect(after(1)).toMatchObject({ 2: 'prepare_promotion', epoch: 1 });
  const nodes = [DRAINED, standby(1999n, { facts })];
  expect(settled({ numberSyncStandbys: 1, nodes })).toMatchObject({ 2: 'prepare_promotion', epoch: 1 });
});

test('while an election is under way it promises, too: who has promised takes nothing from one that has not', () => {
  const streams = { upstream: { node: 1, streaming: true, closed: false, refused: false } };
  const beside = (asked: Partial<NodeFixture>, facts = {}) =>
    settled({
      nodes: [DRAINED, standby(2000n, { facts }), { id: 3, reported: 'report_lsn', lsn: 1900n, ...asked }],
      inForce: [{ version: 1, required: 1, members: [2, 3] }],
    });
  const promises = { 2: 'prepare_promotion', 3: 'report_lsn', epoch: 1 };
  expect(beside({ facts: { promise: { epoch: 2, tli: 1, lsn: 1900n } } })).toMatchObject(promises);
  expect(beside({ reported: 'secondary', goal: 'report_lsn' })).toMatchObject(promises);
  expect(beside({ ...HOST_DOWN })).toMatchObject(promises);
  expect(beside({ reported: 'secondary', facts: { promising: 2 } })).toMatchObject({
    2: 'prepare_promotion',
  });
  expect(beside({}, streams)).toMatchObject(promises);
});

test('nobody takes over who was opened by hand, or is on another timeline', () => {
  expect(settled({ nodes: [DRAINED, standby(2000n, { facts: { strayed: true } })] })).toMatchObject({
    leader: 1,
  });
  expect(settled({ nodes: [DRAINED, standby(2000n, { tli: 2 })] })).toMatchObject({ leader: 1 });
});

test('where an immediate stop leaves the choice to promises, nobody is told before they are there', () => {
  const cutShort: NodeFixture = {
    ...DRAINED,
    facts: { stopped: { belowEpoch: 2, finalLsn: 2000n, cutShort: true } },
  };
  expect(settled({ nodes: [cutShort, standby(2000n)] })).toMatchObject({ 2: 'prepare_promotion', epoch: 1 });
});

test('nobody takes over from a primary that has not stopped', () => {
  const primary = { ...DRAINED, reported: 'primary', goal: 'draining', running: true, facts: {} } as const;
  expect(settled({ nodes: [primary, standby(2000n)] })).toMatchObject({
    1: 'draining',
    2: 'secondary',
    epoch: 1,
  });
});

test('where commits may be acknowledged by others as soon as it opens, it promises first', () => {
  const nodes = [DRAINED, standby(2000n), { id: 3, reported: 'secondary', lsn: 2000n } as const];
  const inForce = [{ version: 1, required: 1, members: [2, 3] }];
  expect(settled({ numberSyncStandbys: 1, nodes, inForce })).toMatchObject({
    2: 'prepare_promotion',
    epoch: 1,
  });
});

test('one that was told to take over and is lost before it does is waited for: nobody else has all of it for sure', () => {
  const nodes = [DRAINED, standby(2000n), { id: 3, reported: 'secondary', lsn: 2000n } as const];
  const inForce = [{ version: 1, required: 1, members: [2, 3] }];
  const ordered = settle(groupFixture({ switchoverTarget: 2, nodes, inForce }), book).group;
  const following = ordered.nodes.map((node): NodeSnapshot => {
    const report = { ...node.report, postgresRunning: node.id !== 2 };
    if (node.id === 2) return { ...node, report, seen: { ...node.seen, ...HOST_DOWN.seen } };
    return { ...node, reported: 'secondary', goal: 'secondary', report };
  });
  const { group, transitions } = settle({ ...ordered, nodes: following }, book);
  expect(transitions).toEqual([]);
  expect(whatFailoverWaitsFor(group)).toContain(
    'it was ordered to take writes in epoch 2; the group waits for it to come back',
  );
});
