import { expect, test } from 'vitest';
import { groupFixture, HOST_DOWN, HOST_SILENT, nodeFixture, type GroupFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import { whyTakesWrites } from './order-lossy-failover.js';

const book = baseRuleBook();
const LOSSY = { kind: 'perform_lossy_failover' } as const;
const ask = (fixture: GroupFixture) => decideCommand(groupFixture(fixture), LOSSY, book);

/** Commits were acknowledged that no standby has. */
const ASYNCHRONOUS: GroupFixture = {
  nodes: [
    { id: 1, reported: 'wait_primary', lsn: 5000n, ...HOST_DOWN },
    { id: 2, reported: 'catchingup', lsn: 4000n },
  ],
  inForce: [{ version: 1, required: 0, members: [] }],
};
const promise = (lsn: bigint) => ({ promise: { epoch: 2, tli: 1, lsn } });

test('what only a lost primary has is given up, and the standby takes over in the next epoch', () => {
  expect(settle(groupFixture(ASYNCHRONOUS), book).transitions).toEqual([]);
  const decision = ask(ASYNCHRONOUS);
  expect(decision).toMatchObject({
    tag: 'accepted',
    settled: {
      group: { leader: null },
      transitions: [
        {
          node: 1,
          goal: 'demoted',
          rule: 'operator.dataLoss',
          because: expect.stringContaining('0/1388') as string,
        },
        { node: 2, goal: 'prepare_promotion', rule: 'operator.dataLoss' },
      ],
    },
  });
  const promised = groupFixture({
    ...ASYNCHRONOUS,
    leader: null,
    nodes: [
      { id: 1, reported: 'wait_primary', goal: 'demoted', ...HOST_DOWN },
      { id: 2, reported: 'prepare_promotion', lsn: 4000n, facts: promise(4000n) },
    ],
  });
  expect(settle(promised, book)).toMatchObject({ epochRaised: true, group: { leader: 2, epoch: 2 } });
});

test('of several standbys the one with the most takes over, once all have promised', () => {
  const nodes = [
    { id: 1, reported: 'primary', ...HOST_SILENT },
    { id: 2, reported: 'secondary', lsn: 4000n },
    { id: 3, reported: 'secondary', lsn: 4500n },
  ] as const;
  expect(ask({ nodes, inForce: [{ version: 1, required: 1, members: [2, 3] }] })).toMatchObject({
    tag: 'accepted',
    settled: {
      transitions: [
        { node: 1, goal: 'demoted' },
        { node: 2, goal: 'report_lsn' },
        { node: 3, goal: 'report_lsn' },
      ],
    },
  });
  const after = (third: 'promised' | 'on its way') =>
    settle(
      groupFixture({
        leader: null,
        nodes: [
          { id: 1, reported: 'primary', goal: 'demoted', ...HOST_SILENT },
          { id: 2, reported: 'report_lsn', lsn: 4000n, facts: promise(4000n) },
          third === 'promised'
            ? { id: 3, reported: 'report_lsn', lsn: 4500n, facts: promise(4500n) }
            : { id: 3, reported: 'secondary', goal: 'report_lsn', lsn: 4500n },
        ],
      }),
      book,
    ).transitions;
  expect(after('on its way')).toEqual([]);
  expect(after('promised')).toMatchObject([
    { node: 3, goal: 'prepare_promotion', rule: 'election.chooseWithoutLeader' },
  ]);
});

test('a primary that was given up and is back opens again where nobody has taken over', () => {
  const back = groupFixture({
    leader: null,
    nodes: [
      { id: 1, reported: 'demoted', running: false, facts: { epoch: 1 } },
      { id: 2, reported: 'secondary', goal: 'prepare_promotion', ...HOST_DOWN },
    ],
  });
  expect(settle(back, book)).toMatchObject({
    epochRaised: true,
    group: { leader: 1, epoch: 2 },
    transitions: [
      { node: 1, goal: 'wait_primary', rule: 'leader.reopenAbandoned' },
      { node: 2, goal: 'join_secondary' },
    ],
  });
});

test.each<[string, GroupFixture, string]>([
  [
    'of a primary that is healthy',
    {
      nodes: [
        { id: 1, reported: 'wait_primary' },
        { id: 2, reported: 'catchingup' },
      ],
    },
    'XX000',
  ],
  [
    'to nobody',
    {
      nodes: [
        { id: 1, reported: 'wait_primary', ...HOST_DOWN },
        { id: 2, reported: 'wait_standby' },
      ],
    },
    'XX000',
  ],
  [
    'beside a lease',
    {
      nodes: [
        { id: 1, reported: 'primary', facts: { lease: 60_000 }, ...HOST_SILENT },
        { id: 2, reported: 'secondary' },
      ],
    },
    '55000',
  ],
  [
    'to who has less than one that may not be elected',
    {
      nodes: [
        { id: 1, reported: 'wait_primary', ...HOST_DOWN },
        { id: 2, reported: 'secondary', lsn: 10n },
        { id: 3, reported: 'secondary', lsn: 20n, priority: 0 },
      ],
    },
    '55000',
  ],
  ['without a primary', { nodes: [{ id: 2, reported: 'secondary' }], leader: null }, 'XX000'],
])('it is refused %s', (_case, fixture, sqlstate) => {
  expect(ask(fixture)).toMatchObject({ tag: 'refused', sqlstate, hint: expect.any(String) as string });
});

test('a primary that nobody vouches for, and that answers the monitor, is not given up: it may take writes', () => {
  const silent = { silentFor: 10, seen: { health: 'good' } } as const;
  const [, standby] = ASYNCHRONOUS.nodes;
  if (!standby) throw new Error('no standby');
  const left: GroupFixture = {
    ...ASYNCHRONOUS,
    nodes: [{ id: 1, reported: 'wait_primary', lsn: 5000n, ...silent }, standby],
  };
  for (const order of [
    LOSSY,
    { kind: 'accept_timeline', tli: 7, by: null },
    { kind: 'remove_node', node: 1, force: true },
  ] as const) {
    const fork = { ...standby, ...(order.kind === 'accept_timeline' && { tli: 7 }) };
    const decision = decideCommand(
      groupFixture({ ...left, nodes: [...left.nodes.slice(0, 1), fork] }),
      order,
      book,
    );
    expect(decision).toMatchObject({
      tag: 'refused',
      message: expect.stringMatching(/answers the monitor|may take writes/) as string,
      hint: expect.stringContaining('pgaf stop') as string,
    });
  }
});

test('who is not given up because it answers is told what its keeper does', () => {
  const silent = nodeFixture({ id: 1, reported: 'primary', silentFor: 10 });
  expect(whyTakesWrites(groupFixture({ nodes: [] }), silent)?.detail).toContain('is not heard of');
  const leaving = nodeFixture({ id: 1, reported: 'primary', facts: { leaving: true } });
  expect(whyTakesWrites(groupFixture({ nodes: [] }), leaving)?.detail).toContain('does not vouch for it');
});

test('a node that is demoted still when the primary is lost opens again once that is dropped by force', () => {
  const group = groupFixture({
    ...ASYNCHRONOUS,
    epoch: 2,
    nodes: [
      { id: 1, reported: 'wait_primary', lsn: 5000n, ...HOST_DOWN },
      { id: 2, reported: 'demoted', lsn: 4000n, running: false, seen: { health: 'bad', refused: true } },
    ],
  });
  expect(settle(group, book).transitions).toEqual([]);
  expect(decideCommand(group, { kind: 'remove_node', node: 1, force: true }, book)).toMatchObject({
    tag: 'accepted',
    settled: { epochRaised: true, group: { leader: 2, nodes: [{ id: 2, goal: 'single' }] } },
  });
});
