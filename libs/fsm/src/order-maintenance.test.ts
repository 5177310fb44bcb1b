import { describe, expect, it, test } from 'vitest';
import { groupFixture, HOST_DOWN, type GroupFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';

const book = baseRuleBook();
const PRIMARY = { id: 1, reported: 'primary' } as const;
const ALONE = { id: 1, reported: 'wait_primary' } as const;
const SECONDARY = { id: 2, reported: 'secondary' } as const;
const PAIR: GroupFixture = { nodes: [PRIMARY, SECONDARY] };
const THREE: GroupFixture = {
  nodes: [...PAIR.nodes, { id: 3, reported: 'secondary', priority: 90 }],
  inForce: [{ version: 1, required: 1, members: [2, 3] }],
};

const start = (fixture: GroupFixture, node: number) =>
  decideCommand(groupFixture(fixture), { kind: 'start_maintenance', node }, book);
const stop = (fixture: GroupFixture, node: number) =>
  decideCommand(groupFixture(fixture), { kind: 'stop_maintenance', node }, book);

describe('the maintenance of a standby', () => {
  it('waits until commits do not wait for it, where it is the only one', () => {
    expect(start(PAIR, 2)).toMatchObject({
      tag: 'accepted',
      answer: true,
      settled: {
        transitions: [
          { node: 2, goal: 'wait_maintenance', rule: 'operator.maintenance' },
          { node: 1, goal: 'wait_primary', rule: 'leader.wait' },
        ],
      },
    });
    const waiting: GroupFixture = {
      nodes: [
        { id: 1, reported: 'primary', goal: 'wait_primary' },
        { id: 2, reported: 'wait_maintenance' },
      ],
    };
    expect(settle(groupFixture(waiting), book).transitions).toEqual([]);
    const alone: GroupFixture = {
      nodes: [
        { id: 1, reported: 'wait_primary' },
        { id: 2, reported: 'wait_maintenance' },
      ],
    };
    expect(settle(groupFixture(alone), book).transitions).toMatchObject([{ node: 2, goal: 'maintenance' }]);
  });

  it('begins at once beside another one', () => {
    expect(start(THREE, 2)).toMatchObject({
      tag: 'accepted',
      settled: { transitions: [{ node: 2, goal: 'maintenance' }] },
    });
  });

  it('warns when commits will wait for it', () => {
    expect(start({ ...PAIR, numberSyncStandbys: 1 }, 2)).toMatchObject({
      tag: 'accepted',
      notice: expect.stringMatching(/^commits will wait/) as string,
      settled: { transitions: [{ node: 2, goal: 'maintenance' }] },
    });
    expect(start({ ...THREE, numberSyncStandbys: 1 }, 2)).not.toHaveProperty('notice');
  });

  it.each<[string, GroupFixture, number, string]>([
    ['while it joins', { nodes: [PRIMARY, { id: 2, reported: 'wait_standby' }] }, 2, '55000'],
    [
      'while the primary is on its way',
      { nodes: [{ id: 1, reported: 'wait_primary', goal: 'primary' }, SECONDARY] },
      2,
      '55000',
    ],
    ['without a primary', { nodes: [{ id: 2, reported: 'secondary' }], leader: null }, 2, 'XX000'],
    ['of a single node', { nodes: [{ id: 1, reported: 'single' }] }, 1, '55000'],
    [
      'of a primary that nobody can replace',
      { nodes: [PRIMARY, { id: 2, reported: 'secondary', priority: 0 }] },
      1,
      '55000',
    ],
    [
      'of a primary whose standby is down',
      { nodes: [PRIMARY, { id: 2, reported: 'secondary', ...HOST_DOWN }] },
      1,
      '55000',
    ],
    [
      'of a primary that waits',
      {
        nodes: [
          { id: 1, reported: 'wait_primary' },
          { id: 2, reported: 'maintenance' },
        ],
      },
      1,
      '55000',
    ],
  ])('is refused %s', (_case, fixture, node, sqlstate) => {
    expect(start(fixture, node)).toMatchObject({
      tag: 'refused',
      sqlstate,
      hint: expect.any(String) as string,
    });
  });
});

describe('the maintenance of a primary', () => {
  it('hands over to the best standby', () => {
    expect(start(THREE, 1)).toMatchObject({
      tag: 'accepted',
      settled: {
        group: { switchoverTarget: 3 },
        transitions: [{ node: 1, goal: 'prepare_maintenance', rule: 'operator.maintenance' }],
      },
    });
  });

  it('begins when the other one is ordered to take writes', () => {
    const stopped = { epoch: 1, stopped: { belowEpoch: 2, finalLsn: 1000n } };
    const promised = { promise: { epoch: 2, tli: 1, lsn: 1000n } };
    const before = groupFixture({
      nodes: [
        { id: 1, reported: 'prepare_maintenance', running: false, facts: stopped },
        { id: 2, reported: 'secondary' },
      ],
      switchoverTarget: 2,
    });
    expect(settle(before, book).transitions).toMatchObject([{ node: 2, goal: 'prepare_promotion' }]);
    const promisedGroup = groupFixture({
      nodes: [
        { id: 1, reported: 'prepare_maintenance', running: false, facts: stopped },
        { id: 2, reported: 'prepare_promotion', facts: promised },
      ],
      switchoverTarget: 2,
    });
    expect(settle(promisedGroup, book)).toMatchObject({
      epochRaised: true,
      group: { leader: 2, epoch: 2, switchoverTarget: null },
      transitions: [
        { node: 1, goal: 'maintenance', rule: 'promotion.orderForMaintenance' },
        { node: 2, goal: 'wait_primary' },
      ],
    });
  });

  it('is given up when nobody is left to take over, and the primary opens again', () => {
    const stopped = { epoch: 1, stopped: { belowEpoch: 2, finalLsn: 1000n } };
    const group = groupFixture({
      nodes: [
        { id: 1, reported: 'prepare_maintenance', running: false, facts: stopped },
        { id: 2, reported: 'secondary', ...HOST_DOWN },
      ],
      switchoverTarget: 2,
    });
    expect(settle(group, book)).toMatchObject({
      group: { leader: 1, epoch: 2 },
      transitions: [
        { node: 1, goal: 'wait_primary', rule: 'leader.reopen' },
        { node: 2, goal: 'join_secondary' },
      ],
    });
  });

  it('is given up when its target does not follow', () => {
    const group = groupFixture({
      nodes: [
        {
          id: 1,
          reported: 'primary',
          goal: 'prepare_maintenance',
          facts: { abandoned: 'node 2 is far behind' },
        },
        { id: 2, reported: 'secondary' },
      ],
    });
    expect(settle(group, book).transitions).toMatchObject([{ node: 1, goal: 'primary' }]);
  });
});

test('a node comes back as a standby, or to promise where there is nobody to follow', () => {
  const led: GroupFixture = { nodes: [ALONE, { id: 2, reported: 'maintenance' }] };
  expect(stop(led, 2)).toMatchObject({
    tag: 'accepted',
    settled: { transitions: [{ node: 2, goal: 'catchingup' }] },
  });
  // It may give the switchover up, and go on in the epoch of before.
  const handingOver: GroupFixture = {
    nodes: [
      { id: 1, reported: 'primary', goal: 'prepare_maintenance' },
      { id: 2, reported: 'maintenance' },
      { id: 3, reported: 'secondary' },
    ],
  };
  expect(stop(handingOver, 2)).toMatchObject({
    tag: 'accepted',
    settled: { transitions: [{ node: 2, goal: 'catchingup' }] },
  });
  const leaderless: GroupFixture = { nodes: [{ id: 2, reported: 'maintenance' }], leader: null };
  expect(stop(leaderless, 2)).toMatchObject({
    tag: 'accepted',
    settled: { transitions: [{ node: 2, goal: 'report_lsn' }] },
  });
});

test('a maintenance that nobody has waited for yet is taken back', () => {
  const waiting: GroupFixture = {
    nodes: [
      { id: 1, reported: 'primary', goal: 'wait_primary' },
      { id: 2, reported: 'secondary', goal: 'wait_maintenance' },
    ],
  };
  expect(stop(waiting, 2)).toMatchObject({
    tag: 'accepted',
    settled: { transitions: [{ node: 2, goal: 'secondary' }] },
  });
});

test('what is not in maintenance cannot come out of it, and a node that is not there answers false', () => {
  expect(stop(PAIR, 2)).toMatchObject({ tag: 'refused', sqlstate: '55000' });
  expect(stop(PAIR, 7)).toMatchObject({ tag: 'accepted', answer: false });
  expect(start(PAIR, 7)).toMatchObject({ tag: 'accepted', answer: false });
});

test('an order that is given twice is given once', () => {
  const there: GroupFixture = { nodes: [ALONE, { id: 2, reported: 'maintenance' }] };
  expect(start(there, 2)).toMatchObject({ tag: 'accepted', answer: true, settled: { transitions: [] } });
});

test('a failover in a group with a node in maintenance needs another candidate', () => {
  const pair: GroupFixture = {
    nodes: [
      { id: 1, reported: 'primary' },
      { id: 2, reported: 'maintenance' },
    ],
  };
  const ask = (command: Parameters<typeof decideCommand>[1]) =>
    decideCommand(groupFixture(pair), command, book);
  expect(ask({ kind: 'perform_failover' })).toMatchObject({ tag: 'refused', sqlstate: 'XX000' });
  expect(ask({ kind: 'perform_promotion', name: 'node_2' })).toMatchObject({
    tag: 'refused',
    sqlstate: '55000',
  });
});
