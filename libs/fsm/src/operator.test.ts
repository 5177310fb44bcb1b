import { STATES } from '@pgaf/core/states';
import { describe, expect, test } from 'vitest';
import { groupFixture, HOST_DOWN, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { decideCommand, type OperatorCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { KeeperFacts } from './vocabulary.js';

const book = baseRuleBook();
const PAIR: GroupFixture = {
  nodes: [
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary' },
  ],
};

const ask = (fixture: GroupFixture, command: OperatorCommand) =>
  decideCommand(groupFixture(fixture), command, book);

test('a failover drains the primary and names who takes over', () => {
  expect(ask(PAIR, { kind: 'perform_failover' })).toMatchObject({
    tag: 'accepted',
    settled: { group: { switchoverTarget: 2 }, transitions: [{ node: 1, goal: 'draining' }] },
  });
});

test('force is of the switchover that was ordered with it, and ends with it', () => {
  for (const command of [
    { kind: 'perform_failover', forced: true },
    { kind: 'perform_promotion', name: 'node_2', forced: true },
  ] as const) {
    expect(ask(PAIR, command)).toMatchObject({
      settled: {
        group: { switchoverTarget: 2, switchoverForced: true },
        transitions: [{ because: expect.stringMatching(/, by force$/) as string }],
      },
    });
    expect(ask(PAIR, { ...command, forced: false })).toMatchObject({
      settled: { group: { switchoverForced: false } },
    });
  }
  const nodes = [
    { id: 1, reported: 'primary', goal: 'draining', facts: { abandoned: 'node 2 lags' } },
    { id: 2, reported: 'secondary' },
  ] as const;
  const forced = { ...groupFixture({ nodes, switchoverTarget: 2 }), switchoverForced: true };
  expect(settle(forced, book).group).toMatchObject({ switchoverTarget: null, switchoverForced: false });
});

test.each<[string, GroupFixture, RegExp]>([
  ['alone', { nodes: [{ id: 1, reported: 'single' }] }, /has no standby/],
  [
    'in transition',
    {
      nodes: [
        { id: 1, reported: 'wait_primary', goal: 'primary' },
        { id: 2, reported: 'secondary' },
      ],
    },
    /no primary in a stable state/,
  ],
  [
    'without a healthy standby',
    {
      nodes: [
        { id: 1, reported: 'primary' },
        { id: 2, reported: 'secondary', ...HOST_DOWN },
      ],
    },
    /no standby .* can take over/,
  ],
  [
    'with a standby that may not',
    {
      nodes: [
        { id: 1, reported: 'primary' },
        { id: 2, reported: 'secondary', priority: 0 },
      ],
    },
    /no standby .* can take over/,
  ],
])('a failover %s is refused with a hint', (_case, fixture, message) => {
  expect(ask(fixture, { kind: 'perform_failover' })).toMatchObject({
    tag: 'refused',
    sqlstate: 'XX000',
    message: expect.stringMatching(message) as string,
    hint: expect.any(String) as string,
  });
});

test('a promotion of a node that is primary already changes nothing', () => {
  expect(ask(PAIR, { kind: 'perform_promotion', name: 'node_1' })).toMatchObject({
    tag: 'accepted',
    answer: false,
  });
  expect(ask(PAIR, { kind: 'perform_promotion', name: 'node_2' })).toMatchObject({
    tag: 'accepted',
    answer: true,
  });
  expect(ask(PAIR, { kind: 'perform_promotion', name: 'nobody' })).toMatchObject({
    tag: 'refused',
    sqlstate: '42704',
  });
});

test('a dropped standby leaves the primary single', () => {
  const decision = ask(PAIR, { kind: 'remove_node', node: 2, force: false });
  expect(decision).toMatchObject({
    tag: 'accepted',
    settled: {
      transitions: [
        { node: 2, goal: 'dropped' },
        { node: 1, goal: 'single' },
      ],
    },
  });
});

test('a primary is not dropped before it has forgotten a switchover that it gave up', () => {
  const [, standby] = PAIR.nodes;
  if (!standby) throw new Error('no standby');
  const remove = { kind: 'remove_node', node: 1, force: false } as const;
  const after = (facts: KeeperFacts) =>
    ask({ ...PAIR, nodes: [{ id: 1, reported: 'primary', facts }, standby] }, remove);
  expect(after({ abandoned: 'node 2 does not stream' })).toMatchObject({
    tag: 'refused',
    sqlstate: '55006',
    hint: expect.stringContaining('again') as string,
  });
  expect(after({}).tag).toBe('accepted');
});

describe('a primary is not dropped while nobody can take over', () => {
  const drop = (second: Omit<NodeFixture, 'id'>) =>
    ask(
      {
        nodes: [
          { id: 1, reported: 'primary' },
          { id: 2, ...second },
        ],
      },
      { kind: 'remove_node', node: 1, force: false },
    );

  test.each<[string, Omit<NodeFixture, 'id'>]>([
    ['one that catches up', { reported: 'catchingup' }],
    ['one whose Postgres is started', { reported: 'catchingup', running: false }],
    ['one that goes to its new primary', { reported: 'join_secondary', goal: 'secondary' }],
  ])('and is worth another try where %s soon can', (_who, second) => {
    expect(drop(second)).toMatchObject({ tag: 'refused', sqlstate: '55006' });
  });

  test.each<[string, Omit<NodeFixture, 'id'>]>([
    ['one of no priority', { reported: 'catchingup', priority: 0 }],
    ['one in maintenance', { reported: 'maintenance' }],
    ['one that is silent', { reported: 'catchingup', silentFor: 30 }],
    ['one that leaves', { reported: 'catchingup', facts: { leaving: true } }],
  ])('nor is it tried again for %s', (_who, second) => {
    expect(drop(second)).toMatchObject({ tag: 'refused', sqlstate: '55000' });
  });
});

test('a primary that hands over is not dropped again yet, and nothing is waited for while it is silent', () => {
  const drop = (silentFor: number) =>
    ask(
      {
        nodes: [
          { id: 1, reported: 'primary', goal: 'draining', silentFor },
          { id: 2, reported: 'secondary' },
        ],
      },
      { kind: 'remove_node', node: 1, force: false },
    );
  expect(drop(0)).toMatchObject({ tag: 'refused', sqlstate: '55006' });
  expect(drop(30)).toMatchObject({ tag: 'refused', sqlstate: '55000' });
});

test('a primary that has stopped to be dropped is not forgotten by another order while it hands over', () => {
  const decision = ask(
    {
      nodes: [
        { id: 1, reported: 'dropped', running: false },
        { id: 2, reported: 'secondary', goal: 'prepare_promotion' },
      ],
    },
    { kind: 'remove_node', node: 1, force: false },
  );
  expect(decision).toMatchObject({ tag: 'accepted', settled: { removed: [] } });
});

test('a primary that takes writes is not removed by force beside its successor', () => {
  const follower = { id: 2, reported: 'secondary' } as const;
  const remove = { kind: 'remove_node', node: 1, force: true } as const;
  expect(ask({ nodes: [{ id: 1, reported: 'primary' }, follower] }, remove)).toMatchObject({
    tag: 'refused',
    sqlstate: '55000',
  });
  expect(ask({ nodes: [{ id: 1, reported: 'primary', ...HOST_DOWN }, follower] }, remove)).toMatchObject({
    tag: 'accepted',
    settled: { removed: [1], group: { leader: null }, transitions: [{ node: 2, goal: 'prepare_promotion' }] },
  });
  expect(ask({ nodes: [{ id: 1, reported: 'single' }] }, remove)).toMatchObject({ tag: 'accepted' });
});

test.each([
  [3, 1, 0],
  [4, 1, 1],
  [4, 2, 1],
  [3, 0, 0],
])('of %i nodes, one leaves: number_sync_standbys %i becomes %i', (count, before, after) => {
  const nodes = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    reported: index === 0 ? ('primary' as const) : ('secondary' as const),
  }));
  for (const force of [false, true]) {
    const fixture: GroupFixture = {
      nodes,
      inForce: [{ version: 1, required: 1, members: nodes.slice(1).map(({ id }) => id) }],
      numberSyncStandbys: before,
    };
    expect(ask(fixture, { kind: 'remove_node', node: 2, force })).toMatchObject({
      tag: 'accepted',
      settled: { group: { formation: { numberSyncStandbys: after } } },
    });
  }
});

test('a node can be dropped in whatever state it is, or is told why not and what to do', () => {
  for (const reported of STATES) {
    for (const goal of STATES) {
      for (const node of [1, 2]) {
        const fixture: GroupFixture = {
          nodes: [
            node === 1 ? { id: 1, reported, goal } : { id: 1, reported: 'primary' },
            node === 2 ? { id: 2, reported, goal } : { id: 2, reported: 'secondary' },
          ],
        };
        const decision = ask(fixture, { kind: 'remove_node', node, force: false });
        if (decision.tag === 'accepted') continue;
        expect(['55000', '55006'], `${reported} -> ${goal}`).toContain(decision.sqlstate);
        expect(node, `${reported} -> ${goal}`).toBe(1);
        expect(decision.hint).toMatch(/--force/);
      }
    }
  }
});
