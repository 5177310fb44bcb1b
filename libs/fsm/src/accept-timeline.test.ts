import { expect, test } from 'vitest';
import { groupFixture, HOST_DOWN, type GroupFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';

const book = baseRuleBook();
const ask = (fixture: GroupFixture, tli: number) =>
  decideCommand(groupFixture(fixture), { kind: 'accept_timeline', tli, by: 'Ada' }, book);

/** The primary is lost, and somebody has promoted node 2 by hand. */
const FORKED: GroupFixture = {
  nodes: [
    { id: 1, reported: 'primary', lsn: 9000n, ...HOST_DOWN },
    { id: 2, reported: 'secondary', tli: 2, lsn: 8000n },
    { id: 3, reported: 'secondary', lsn: 8500n },
  ],
  inForce: [{ version: 1, required: 1, members: [2, 3] }],
};

test('the node that has the most of an accepted timeline leads in the next epoch', () => {
  expect(ask(FORKED, 2)).toMatchObject({
    tag: 'accepted',
    answer: true,
    settled: {
      epochRaised: true,
      group: { leader: 2, epoch: 2 },
      transitions: [
        {
          node: 1,
          goal: 'demoted',
          rule: 'operator.timeline',
          because: 'Ada accepted timeline 2 as the real one',
        },
        { node: 2, goal: 'wait_primary' },
        { node: 3, goal: 'catchingup' },
      ],
    },
  });
});

test('the timeline of the primary is accepted without a change', () => {
  expect(ask(FORKED, 1)).toMatchObject({
    tag: 'accepted',
    notice: expect.stringContaining('that of the primary already') as string,
    settled: { epochRaised: false, group: { leader: 1, epoch: 1 } },
  });
});

test.each<[string, GroupFixture, number, string]>([
  ['that nobody has', FORKED, 7, 'P0001'],
  [
    'beside a healthy primary',
    { ...FORKED, nodes: [{ id: 1, reported: 'primary' }, ...FORKED.nodes.slice(1)] },
    2,
    '55000',
  ],
  [
    'whose node is down',
    {
      ...FORKED,
      nodes: [...FORKED.nodes.slice(0, 1), { id: 2, reported: 'secondary', tli: 2, ...HOST_DOWN }],
    },
    2,
    '55000',
  ],
])('a timeline %s is refused', (_case, fixture, tli, sqlstate) => {
  expect(ask(fixture, tli)).toMatchObject({ tag: 'refused', sqlstate, hint: expect.any(String) as string });
});
