import { expect, test } from 'vitest';
import { addNode } from './add-node.js';
import { groupFixture, HOST_DOWN, HOST_SILENT, nodeFixture, type GroupFixture } from './group-fixture.js';
import { baseRuleBook } from './rule-book.js';
import { settle, type Settled } from './settle.js';
import { whatFailoverWaitsFor } from './waiting.js';

const book = baseRuleBook();

function goals(fixture: GroupFixture): Record<number, string> {
  return goalsOf(settle(groupFixture(fixture), book));
}

function goalsOf(settled: Settled): Record<number, string> {
  return Object.fromEntries(settled.group.nodes.map((node) => [node.id, node.goal]));
}

const promised = (lsn = 1000n, epoch = 2) => ({ promise: { epoch, tli: 1, lsn } });
const sawItGo = { upstream: { node: 1, streaming: false, closed: true, refused: true } };

test('the first node opens an epoch, the second one waits to copy it', () => {
  const empty = groupFixture({ nodes: [], leader: null, epoch: 0, inForce: [] });
  const first = addNode(empty, nodeFixture({ id: 1, reported: 'init' }));
  if (first.tag !== 'placed') throw new Error(first.message);
  expect(first).toMatchObject({ goal: 'single', group: { epoch: 1, leader: 1 } });
  expect(first.group.settingsInForce).toEqual([{ version: 1, required: 0, members: [] }]);
  const second = addNode(first.group, nodeFixture({ id: 2, reported: 'init' }));
  expect(second).toMatchObject({ tag: 'placed', goal: 'wait_standby' });
});

test('the first node of a group that lost all that it had knows nothing of what was wanted of those', () => {
  const emptied = {
    ...groupFixture({ nodes: [], leader: null, switchoverTarget: 2 }),
    switchoverForced: true,
  };
  expect(addNode(emptied, nodeFixture({ id: 3, reported: 'init' }))).toMatchObject({
    tag: 'placed',
    group: { leader: 3, switchoverTarget: null, switchoverForced: false },
  });
});

test('a standby that joins is copied, caught up, and then commits wait for it', () => {
  const joining = { inForce: [{ version: 1, required: 0, members: [] }] };
  expect(
    goals({
      ...joining,
      nodes: [
        { id: 1, reported: 'single' },
        { id: 2, reported: 'wait_standby' },
      ],
    }),
  ).toEqual({ 1: 'wait_primary', 2: 'wait_standby' });
  expect(
    goals({
      ...joining,
      nodes: [
        { id: 1, reported: 'wait_primary' },
        { id: 2, reported: 'wait_standby' },
      ],
    }),
  ).toEqual({ 1: 'wait_primary', 2: 'catchingup' });
  expect(
    goals({
      ...joining,
      nodes: [
        { id: 1, reported: 'wait_primary' },
        { id: 2, reported: 'catchingup' },
      ],
    }),
  ).toEqual({ 1: 'wait_primary', 2: 'secondary' });
  const settled = settle(
    groupFixture({
      ...joining,
      nodes: [
        { id: 1, reported: 'wait_primary' },
        { id: 2, reported: 'secondary' },
      ],
    }),
    book,
  );
  expect(goalsOf(settled)).toEqual({ 1: 'primary', 2: 'secondary' });
  expect(settled.group.settingsInForce).toEqual([
    { version: 1, required: 0, members: [] },
    { version: 2, required: 1, members: [2] },
  ]);
});

test('an older setting leaves only when the leader of this epoch confirms a newer one', () => {
  const inForce = [
    { version: 1, required: 0, members: [] },
    { version: 2, required: 1, members: [2] },
  ];
  const after = (facts: object) =>
    settle(
      groupFixture({
        inForce,
        nodes: [
          { id: 1, reported: 'primary', facts },
          { id: 2, reported: 'secondary' },
        ],
      }),
      book,
    ).group.settingsInForce;
  expect(after({ epoch: 1 })).toEqual(inForce);
  expect(after({ epoch: 1, confirmedSetting: 2 })).toEqual([inForce[1]]);
  expect(after({ epoch: 0, confirmedSetting: 2 })).toEqual(inForce);
});

test('a standby that lags too far is not ready', () => {
  const nodes = [
    { id: 1, reported: 'wait_primary', lsn: 1n << 30n },
    { id: 2, reported: 'catchingup', lsn: 1n },
  ] as const;
  expect(goals({ nodes })).toEqual({ 1: 'wait_primary', 2: 'catchingup' });
});

test('a standby that goes away stops holding writes, and the setting that says so enters F', () => {
  const settled = settle(
    groupFixture({
      nodes: [
        { id: 1, reported: 'primary' },
        { id: 2, reported: 'secondary', ...HOST_DOWN },
      ],
    }),
    book,
  );
  expect(goalsOf(settled)).toEqual({ 1: 'wait_primary', 2: 'catchingup' });
  expect(settled.group.settingsInForce.map((setting) => setting.required)).toEqual([1, 0]);
});

test('it stops holding them also when it goes before the setting is confirmed', () => {
  const nodes = [
    { id: 1, reported: 'wait_primary', goal: 'primary' },
    { id: 2, reported: 'secondary', ...HOST_SILENT },
  ] as const;
  expect(goals({ nodes })).toEqual({ 1: 'wait_primary', 2: 'catchingup' });
});

test('a primary whose host is gone is drained, and its standby asked to promise', () => {
  const nodes = [
    { id: 1, reported: 'primary', ...HOST_DOWN },
    { id: 2, reported: 'secondary' },
  ] as const;
  expect(goals({ nodes })).toEqual({ 1: 'draining', 2: 'prepare_promotion' });
});

test('a primary that is only silent is left alone, and the reason is told', () => {
  const nodes = [
    { id: 1, reported: 'primary', ...HOST_SILENT },
    { id: 2, reported: 'secondary' },
  ] as const;
  expect(goals({ nodes })).toEqual({ 1: 'primary', 2: 'secondary' });
  expect(whatFailoverWaitsFor(groupFixture({ nodes })).join('. ')).toMatch(
    /node 1 .* is silent.*nothing proves that it is down/s,
  );
});

test('a handover is complained of only when something holds it up', () => {
  const stopping = { id: 1, reported: 'primary', goal: 'draining', running: false } as const;
  const stopped = { belowEpoch: 2, finalLsn: 1000n };
  const old = { id: 1, reported: 'draining', running: false, facts: { stopped } } as const;
  const asked = { id: 2, reported: 'secondary', goal: 'prepare_promotion' } as const;
  const promise = { epoch: 2, tli: 1, lsn: 1000n };
  const promised = { id: 2, reported: 'prepare_promotion', facts: { promise } } as const;
  expect(whatFailoverWaitsFor(groupFixture({ nodes: [stopping, asked] }))).toEqual([]);
  expect(whatFailoverWaitsFor(groupFixture({ nodes: [old, asked] }))).toEqual([]);
  expect(whatFailoverWaitsFor(groupFixture({ nodes: [old, promised] }))).toEqual([]);
  expect(whatFailoverWaitsFor(groupFixture({ nodes: [old, { ...asked, ...HOST_DOWN }] }))).toEqual([
    'node 1 "node_1" (127.0.0.1:5501): its Postgres is not running',
    'no failover: no standby is healthy',
  ]);
});

test('a first node that is being made is not complained of', () => {
  const nodes = [{ id: 1, reported: 'init', goal: 'single', running: false }] as const;
  expect(whatFailoverWaitsFor(groupFixture({ nodes }))).toEqual([]);
});

test('nothing is promoted while a setting that waits for nobody may be in force', () => {
  const inForce = [
    { version: 1, required: 1, members: [2] },
    { version: 2, required: 0, members: [] },
  ];
  const nodes = [
    { id: 1, reported: 'primary', ...HOST_DOWN },
    { id: 2, reported: 'secondary' },
  ] as const;
  expect(goals({ nodes, inForce })).toEqual({ 1: 'primary', 2: 'secondary' });
  expect(whatFailoverWaitsFor(groupFixture({ nodes, inForce })).join('. ')).toContain(
    'commits may have been acknowledged that no standby has',
  );
});

test('the order is given once the promise is in and the primary is proved down', () => {
  const candidate = { id: 2, reported: 'prepare_promotion' } as const;
  const old = { id: 1, reported: 'primary', goal: 'draining', ...HOST_DOWN } as const;
  expect(goals({ nodes: [old, candidate] })).toEqual({ 1: 'draining', 2: 'prepare_promotion' });
  expect(goals({ nodes: [old, { ...candidate, facts: promised() }] })).toEqual({
    1: 'draining',
    2: 'prepare_promotion',
  });
  expect(goals({ nodes: [old, { ...candidate, facts: { ...promised(1000n, 1), ...sawItGo } }] })).toEqual({
    1: 'draining',
    2: 'prepare_promotion',
  });

  const ordered = settle(
    groupFixture({ nodes: [old, { ...candidate, facts: { ...promised(), ...sawItGo } }] }),
    book,
  );
  expect(goalsOf(ordered)).toEqual({ 1: 'demoted', 2: 'wait_primary' });
  expect(ordered).toMatchObject({ epochRaised: true, group: { epoch: 2, leader: 2 } });
  expect(ordered.group.settingsInForce).toEqual([{ version: 2, required: 0, members: [] }]);
});

test('a primary that came back and stopped as told is out, too', () => {
  const old = {
    id: 1,
    reported: 'draining',
    facts: { stopped: { belowEpoch: 2, finalLsn: null } },
    running: false,
  } as const;
  const candidate = { id: 2, reported: 'prepare_promotion', facts: promised() } as const;
  expect(goals({ nodes: [old, candidate] })).toEqual({ 1: 'demoted', 2: 'wait_primary' });
});

test('a candidate short of the final LSN is not promoted, and the old primary opens again', () => {
  const old = {
    id: 1,
    reported: 'draining',
    facts: { stopped: { belowEpoch: 2, finalLsn: 2000n } },
    running: false,
  } as const;
  const candidate = (lsn: bigint) =>
    ({ id: 2, reported: 'prepare_promotion', facts: promised(lsn) }) as const;
  expect(goals({ nodes: [old, candidate(1999n)] })).toEqual({ 1: 'wait_primary', 2: 'join_secondary' });
  expect(goals({ nodes: [old, candidate(2000n)] })).toEqual({ 1: 'demoted', 2: 'wait_primary' });
});

test('a candidate of another timeline is not promoted: the primary that stopped opens again', () => {
  const old = {
    id: 1,
    reported: 'draining',
    facts: { stopped: { belowEpoch: 2, finalLsn: 10n } },
    running: false,
  } as const;
  const stray = {
    id: 2,
    reported: 'prepare_promotion',
    facts: { promise: { epoch: 2, tli: 7, lsn: 9999n } },
  } as const;
  expect(goals({ nodes: [old, stray] })).toEqual({ 1: 'wait_primary', 2: 'join_secondary' });
});

test('a primary that stopped for nobody opens again, in an epoch of its own', () => {
  const old = {
    id: 1,
    reported: 'draining',
    facts: { stopped: { belowEpoch: 2, finalLsn: 2000n } },
    running: false,
  } as const;
  const settled = settle(
    groupFixture({ nodes: [old, { id: 2, reported: 'secondary', ...HOST_DOWN }] }),
    book,
  );
  expect(goalsOf(settled)).toMatchObject({ 1: 'wait_primary' });
  expect(settled.group.epoch).toBe(2);
});

test('a switchover that was given up ends where it began', () => {
  const nodes = [
    { id: 1, reported: 'primary', goal: 'draining', facts: { abandoned: 'node 2 lags' } },
    { id: 2, reported: 'secondary' },
  ] as const;
  const settled = settle(groupFixture({ nodes, switchoverTarget: 2 }), book);
  expect(goalsOf(settled)).toEqual({ 1: 'primary', 2: 'secondary' });
  expect(settled.group.switchoverTarget).toBeNull();
});

test('the old primary follows the new one, and a promise that was for nothing is let go', () => {
  const leader = { id: 1, reported: 'wait_primary' } as const;
  expect(goals({ nodes: [leader, { id: 2, reported: 'demoted', running: false }] })).toMatchObject({
    2: 'catchingup',
  });
  expect(
    goals({ epoch: 2, nodes: [leader, { id: 2, reported: 'prepare_promotion', facts: promised() }] }),
  ).toMatchObject({ 2: 'join_secondary' });
});

test('the last node of a group is single', () => {
  expect(goals({ nodes: [{ id: 1, reported: 'primary' }] })).toEqual({ 1: 'single' });
  expect(
    goals({
      nodes: [
        { id: 1, reported: 'primary' },
        { id: 2, reported: 'secondary', goal: 'dropped' },
      ],
    }),
  ).toMatchObject({ 1: 'single' });
});

test('three nodes: all that can promise do before one is chosen', () => {
  const inForce = [{ version: 1, required: 1, members: [2, 3] }];
  const down = { id: 1, reported: 'primary', ...HOST_DOWN } as const;
  const nodes = [down, { id: 2, reported: 'secondary' }, { id: 3, reported: 'secondary' }] as const;
  expect(goals({ nodes, inForce })).toEqual({ 1: 'draining', 2: 'report_lsn', 3: 'report_lsn' });
  const gathered = [
    { ...down, goal: 'draining' },
    { id: 2, reported: 'report_lsn', facts: { ...promised(900n), ...sawItGo } },
    { id: 3, reported: 'report_lsn', facts: { ...promised(1000n), ...sawItGo } },
  ] as const;
  expect(goals({ nodes: gathered, inForce })).toEqual({
    1: 'draining',
    2: 'report_lsn',
    3: 'prepare_promotion',
  });
  expect(
    goals({
      nodes: [gathered[0], gathered[1], { id: 3, reported: 'secondary', goal: 'report_lsn' }],
      inForce,
    }),
  ).toMatchObject({ 2: 'report_lsn' });
});
