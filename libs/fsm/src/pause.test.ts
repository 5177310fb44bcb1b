import { expect, test } from 'vitest';
import { groupFixture, HOST_DOWN, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import { whatFailoverWaitsFor } from './waiting.js';

const book = baseRuleBook();
const sawItGo = { upstream: { node: 1, streaming: false, closed: true, refused: true } };

function goals(nodes: readonly NodeFixture[], more: Partial<GroupFixture> = {}): (string | undefined)[] {
  return settle(groupFixture({ nodes, ...more }), book).group.nodes.map((node) => node.goal);
}

test.each(['primary', 'secondary'])(
  'a pause of the %s alone keeps the group from being failed over',
  (which) => {
    const nodes: NodeFixture[] = [
      { id: 1, reported: 'primary', ...HOST_DOWN },
      { id: 2, reported: 'secondary', facts: sawItGo },
    ];
    expect(goals(nodes)).toEqual(['draining', 'prepare_promotion']);
    const paused = nodes.map((node) => ({ ...node, paused: node.reported === which }));
    expect(goals(paused)).toEqual(['primary', 'secondary']);
    expect(whatFailoverWaitsFor(groupFixture({ nodes: paused }))).toEqual([
      expect.stringMatching(/^node \d .* is paused: no failover without an order until `pgaf resume`$/),
      expect.stringContaining('answers no health check'),
    ]);
  },
);

test('a group of three is not failed over either, whoever of it is paused', () => {
  const inForce = [{ version: 1, required: 1, members: [2, 3] }];
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', ...HOST_DOWN },
    { id: 2, reported: 'secondary', facts: sawItGo },
    { id: 3, reported: 'secondary', facts: sawItGo },
  ];
  expect(goals(nodes, { inForce })).toEqual(['draining', 'report_lsn', 'report_lsn']);
  const paused = nodes.map((node) => ({ ...node, paused: node.id === 3 }));
  expect(goals(paused, { inForce })).toEqual(['primary', 'secondary', 'secondary']);
});

test('a handover that was ordered is finished, also when the primary dies meanwhile', () => {
  expect(
    goals([
      { id: 1, reported: 'primary', goal: 'draining', paused: true, ...HOST_DOWN },
      { id: 2, reported: 'secondary', facts: sawItGo },
    ]),
  ).toEqual(['draining', 'prepare_promotion']);
});

test('a standby that is stopped by hand holds up no commits', () => {
  expect(
    goals([
      { id: 1, reported: 'primary' },
      { id: 2, reported: 'secondary', running: false, paused: true, facts: { paused: true } },
    ]),
  ).toEqual(['wait_primary', 'catchingup']);
});

test('after the end of a pause a primary that was stopped by hand is started, not failed over', () => {
  const primary: NodeFixture = { id: 1, reported: 'primary', running: false };
  const standby: NodeFixture = { id: 2, reported: 'secondary' };
  expect(goals([{ ...primary, facts: { paused: true } }, standby])).toEqual(['primary', 'secondary']);
  // It has tried, in vain.
  expect(goals([primary, standby])).toEqual(['draining', 'prepare_promotion']);
});

test('an ordered failover goes to a node that is not paused, and else to one that is', () => {
  const order = (paused: number) =>
    decideCommand(
      groupFixture({
        inForce: [{ version: 1, required: 1, members: [2, 3] }],
        nodes: [
          { id: 1, reported: 'primary', paused: true },
          { id: 2, reported: 'secondary', paused: paused > 0 },
          { id: 3, reported: 'secondary', paused: paused > 1 },
        ],
      }),
      { kind: 'perform_failover' },
      book,
    );
  expect(order(1)).toMatchObject({ settled: { group: { switchoverTarget: 3 } } });
  expect(order(2)).toMatchObject({ settled: { group: { switchoverTarget: 2 } } });
});

test('an ordered failover of a primary that is down says how to go on', () => {
  const group = groupFixture({
    nodes: [
      { id: 1, reported: 'primary', running: false, paused: true },
      { id: 2, reported: 'secondary' },
    ],
  });
  expect(decideCommand(group, { kind: 'perform_failover' }, book)).toMatchObject({
    tag: 'refused',
    hint: expect.stringContaining('`pgaf resume`'),
  });
});
