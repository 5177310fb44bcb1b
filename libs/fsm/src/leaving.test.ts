import { expect, test } from 'vitest';
import { farewellWaitsFor, type Leaver } from './farewell.js';
import { groupFixture, nodeFixture, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { decideCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';

/** Nodes whose keeper was told to stop. */
const book = baseRuleBook();
const leaving = { leaving: true } as const;
const stopped = { stopped: { belowEpoch: 2, finalLsn: 2000n } };
const gone = { running: false, facts: { ...stopped, ...leaving } } as const;

function settled(fixture: GroupFixture) {
  const { group } = settle(groupFixture(fixture), book);
  return {
    ...Object.fromEntries(group.nodes.map((node) => [node.id, node.goal])),
    epoch: group.epoch,
    target: group.switchoverTarget,
  };
}

test('a primary that leaves hands over to the standby', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', facts: leaving },
    { id: 2, reported: 'secondary' },
  ];
  expect(settled({ nodes })).toEqual({ 1: 'draining', 2: 'secondary', epoch: 1, target: 2 });
});

test('what a primary said before it was given its epoch does not send it away again', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', goal: 'wait_primary', facts: { ...leaving, epoch: 1 } },
    { id: 2, reported: 'catchingup' },
  ];
  const { group } = settle({ ...groupFixture({ nodes }), epoch: 2 }, book);
  expect(group.nodes[0]?.goal).toBe('wait_primary');
});

test('to nobody when the standby leaves, too; it stops all the same, so that either may come back first', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', facts: leaving },
    { id: 2, reported: 'secondary', facts: leaving },
  ];
  expect(settled({ nodes })).toEqual({ 1: 'draining', 2: 'secondary', epoch: 1, target: null });
});

test('one without another node, and one of a paused group, is left as it is', () => {
  expect(settled({ nodes: [{ id: 1, reported: 'single', facts: leaving }] })).toMatchObject({ 1: 'single' });
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', facts: leaving },
    { id: 2, reported: 'secondary', paused: true },
  ];
  expect(settled({ nodes })).toMatchObject({ 1: 'primary' });
});

test('a standby that leaves holds up no commit', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary', facts: leaving },
  ];
  expect(settled({ nodes })).toMatchObject({ 1: 'wait_primary', 2: 'catchingup' });
});

test('the epoch is not given to a primary that has left', () => {
  const away: NodeFixture = { id: 2, reported: 'secondary', facts: leaving };
  const left: NodeFixture = { id: 1, reported: 'draining', ...gone };
  expect(settled({ nodes: [left, away] })).toMatchObject({ 1: 'draining', epoch: 1 });
  expect(settled({ nodes: [{ ...left, facts: stopped }, away] })).toMatchObject({
    1: 'wait_primary',
    epoch: 2,
  });
});

test('a standby that comes back alone takes over when it has everything', () => {
  const left: NodeFixture = { id: 1, reported: 'draining', ...gone };
  const back = (reported: 'secondary' | 'catchingup', lsn: bigint): NodeFixture => ({ id: 2, reported, lsn });
  expect(settled({ nodes: [left, back('catchingup', 2000n)] })).toMatchObject({ 2: 'prepare_promotion' });
  expect(settled({ nodes: [left, back('catchingup', 1999n)] })).toMatchObject({ 2: 'catchingup', epoch: 1 });
  expect(settled({ nodes: [left, back('secondary', 2000n)] })).toMatchObject({ 2: 'wait_primary' });
});

test('what it was ordered then is not taken back because the primary comes back before it has promised', () => {
  const primary: NodeFixture = { id: 1, reported: 'draining', running: false, facts: stopped };
  const ordered: NodeFixture = { id: 2, reported: 'catchingup', goal: 'prepare_promotion', lsn: 2000n };
  expect(settled({ nodes: [primary, ordered] })).toMatchObject({ 2: 'prepare_promotion', epoch: 1 });
  const lost: NodeFixture = { ...ordered, running: false };
  expect(settled({ nodes: [primary, lost] })).toMatchObject({ 1: 'wait_primary', epoch: 2 });
});

test('an immediate stop: promises decide where they suffice, else who has all of its WAL', () => {
  const cutShort = { belowEpoch: 2, finalLsn: 2000n, cutShort: true } as const;
  const left: NodeFixture = {
    id: 1,
    reported: 'draining',
    goal: 'primary',
    running: false,
    facts: { stopped: cutShort, ...leaving },
  };
  const asynchronous = { inForce: [{ version: 1, required: 0, members: [] }] };
  const promised = (lsn: bigint): NodeFixture => ({
    id: 2,
    reported: 'prepare_promotion',
    facts: { promise: { epoch: 2, tli: 1, lsn } },
  });
  expect(settled({ nodes: [left, { id: 2, reported: 'secondary' }] })).toMatchObject({
    2: 'prepare_promotion',
  });
  expect(settled({ nodes: [left, promised(1000n)] })).toMatchObject({ 2: 'wait_primary', epoch: 2 });
  expect(settled({ ...asynchronous, nodes: [left, promised(1999n)] })).toMatchObject({
    2: 'prepare_promotion',
    epoch: 1,
  });
  expect(settled({ ...asynchronous, nodes: [left, promised(2000n)] })).toMatchObject({
    2: 'wait_primary',
    epoch: 2,
  });
  const back: NodeFixture = { ...left, facts: { stopped: cutShort } };
  expect(settled({ ...asynchronous, nodes: [back, promised(1999n)] })).toMatchObject({
    1: 'wait_primary',
    epoch: 2,
  });
});

test.each(['wait_primary', 'join_primary', 'primary', 'apply_settings'] as const)(
  'a switchover that was given up resumes on a leader in %s',
  (reported) => {
    const nodes: NodeFixture[] = [
      { id: 1, reported, goal: 'draining', facts: { abandoned: 'node 2 lags' } },
      { id: 2, reported: 'secondary' },
    ];
    expect(settled({ nodes, switchoverTarget: 2 })).toMatchObject({ 1: 'primary', target: null });
  },
);

test('a switchover that was given up does not resume on a primary that leaves', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', goal: 'draining', facts: { ...leaving, abandoned: 'node 2 lags' } },
    { id: 2, reported: 'secondary' },
  ];
  expect(settled({ nodes, switchoverTarget: 2 })).toMatchObject({ 1: 'draining' });
});

test('a primary that leaves is not removed by force while it still takes writes', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', goal: 'draining', facts: leaving },
    { id: 2, reported: 'secondary' },
  ];
  expect(
    decideCommand(groupFixture({ nodes }), { kind: 'remove_node', node: 1, force: true }, book),
  ).toMatchObject({
    tag: 'refused',
  });
});

const leaver = (change: Partial<Leaver>, nodes: readonly NodeFixture[]): Leaver => ({
  nodeId: 1,
  current: 'primary',
  goal: 'primary',
  group: { leader: 1, nodes: nodes.map(nodeFixture) },
  since: 100,
  heard: true,
  failedFor: 0,
  ...change,
});

test('a primary waits for the decision, then for its stop, and for each only so long', () => {
  const pair: NodeFixture[] = [
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary' },
  ];
  expect(farewellWaitsFor(leaver({}, pair))).toMatch(/decide/);
  expect(farewellWaitsFor(leaver({ since: 1600 }, pair))).toBeNull();
  expect(farewellWaitsFor(leaver({ since: 1600, goal: 'draining' }, pair))).toMatch(/stop/);
  expect(farewellWaitsFor(leaver({ since: 3600, goal: 'draining' }, pair))).toBeNull();
  expect(farewellWaitsFor(leaver({ current: 'draining', goal: 'draining' }, pair))).toBeNull();
});

test('it waits for a monitor that misses reports, not for one that is away', () => {
  const pair: NodeFixture[] = [
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary' },
  ];
  const standby = { nodeId: 2, current: 'secondary', goal: 'secondary' } as const;
  expect(farewellWaitsFor(leaver({ failedFor: 400 }, pair))).toMatch(/decide/);
  expect(farewellWaitsFor(leaver({ ...standby, failedFor: 400 }, pair))).toMatch(/do without/);
  expect(farewellWaitsFor(leaver({ failedFor: 500 }, pair))).toBeNull();
  expect(farewellWaitsFor(leaver({ ...standby, failedFor: 500 }, pair))).toBeNull();
  expect(farewellWaitsFor(leaver({ failedFor: 500, goal: 'draining' }, pair))).toMatch(/stop/);
});

test('a primary alone, or in a paused group, waits for nothing', () => {
  expect(farewellWaitsFor(leaver({}, [{ id: 1, reported: 'single' }]))).toBeNull();
  const paused: NodeFixture[] = [
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary', paused: true },
  ];
  expect(farewellWaitsFor(leaver({}, paused))).toBeNull();
});

test('a standby waits until the primary does without it, or has sent the last of its WAL', () => {
  const waits = (primary: Omit<NodeFixture, 'id'>) =>
    farewellWaitsFor(
      leaver({ nodeId: 2, current: 'secondary', goal: 'secondary' }, [
        { id: 1, ...primary },
        { id: 2, reported: 'secondary' },
      ]),
    ) !== null;
  expect(waits({ reported: 'primary' })).toBe(true);
  expect(waits({ reported: 'primary', goal: 'wait_primary' })).toBe(true);
  expect(waits({ reported: 'wait_primary' })).toBe(false);
  expect(waits({ reported: 'primary', goal: 'draining' })).toBe(true);
  expect(waits({ reported: 'draining' })).toBe(false);
});

test('the epoch is not given to a standby that leaves after its promise: the primary may be the one that comes back', () => {
  const promised = { promise: { epoch: 2, tli: 1, lsn: 2000n } };
  const left: NodeFixture = { id: 1, reported: 'draining', running: false, facts: stopped };
  const successor: NodeFixture = { id: 2, reported: 'prepare_promotion', lsn: 2000n, facts: promised };
  const gone: NodeFixture = { ...left, facts: { ...stopped, ...leaving } };
  expect(settled({ nodes: [gone, successor] })).toMatchObject({ 2: 'wait_primary', epoch: 2 });
  const going: NodeFixture = { ...successor, facts: { ...promised, ...leaving } };
  expect(settled({ nodes: [gone, going] })).toMatchObject({
    1: 'draining',
    2: 'prepare_promotion',
    epoch: 1,
  });
  expect(settled({ nodes: [left, going] })).toMatchObject({ 1: 'wait_primary', epoch: 2 });
});

test('a primary whose keeper gives its drop up stays what it was', () => {
  const facts = { abandoned: 'somebody holds a lock' };
  const pair = (reported: 'primary' | 'wait_primary', standby: NodeFixture): NodeFixture[] => [
    { id: 1, reported, goal: 'dropped', facts },
    standby,
  ];
  expect(settled({ nodes: pair('primary', { id: 2, reported: 'secondary' }) })).toMatchObject({
    1: 'primary',
  });
  expect(settled({ nodes: pair('wait_primary', { id: 2, reported: 'catchingup' }) })).toMatchObject({
    1: 'wait_primary',
  });
  expect(settled({ nodes: [{ id: 1, reported: 'single', goal: 'dropped', facts }] })).toMatchObject({
    1: 'single',
  });
});

test('a drop that was given up when a standby has promised already goes on', () => {
  const nodes: NodeFixture[] = [
    { id: 1, reported: 'primary', goal: 'dropped', facts: { abandoned: 'somebody holds a lock' } },
    { id: 2, reported: 'secondary', goal: 'prepare_promotion' },
  ];
  expect(settled({ nodes })).toMatchObject({ 1: 'dropped' });
});

const three = (first: NodeFixture): GroupFixture => ({
  nodes: [
    first,
    { id: 2, reported: 'prepare_promotion', facts: { promise: { epoch: 2, tli: 1, lsn: 2000n } } },
    { id: 3, reported: 'secondary' },
  ],
  inForce: [{ version: 1, required: 1, members: [2, 3] }],
  numberSyncStandbys: 1,
});

test('number_sync_standbys is lowered when the drop of a primary is final, and not when it is ordered', () => {
  const ordered = decideCommand(
    groupFixture({
      ...three({ id: 1, reported: 'primary' }),
      nodes: [
        { id: 1, reported: 'primary' },
        { id: 2, reported: 'secondary' },
        { id: 3, reported: 'secondary' },
      ],
    }),
    { kind: 'remove_node', node: 1, force: false },
    book,
  );
  expect(ordered).toMatchObject({ settled: { group: { formation: { numberSyncStandbys: 1 } } } });
  const { group } = settle(
    groupFixture(three({ id: 1, reported: 'dropped', running: false, facts: stopped })),
    book,
  );
  expect(group).toMatchObject({ epoch: 2, leader: 2, formation: { numberSyncStandbys: 0 } });
});

test('a switchover leaves number_sync_standbys as it is, also where the new primary is in no quorum', () => {
  const { group } = settle(
    groupFixture(three({ id: 1, reported: 'draining', quorum: false, running: false, facts: stopped })),
    book,
  );
  expect(group).toMatchObject({ epoch: 2, leader: 2, formation: { numberSyncStandbys: 1 } });
});

test('nor is it too high when the dropped primary is forgotten as a follower', () => {
  const { group, removed } = settle(
    groupFixture({
      nodes: [
        { id: 1, reported: 'dropped', running: false, facts: stopped },
        { id: 2, reported: 'primary' },
        { id: 3, reported: 'secondary' },
      ],
      leader: 2,
      epoch: 2,
      inForce: [{ version: 1, required: 1, members: [3] }],
      numberSyncStandbys: 1,
    }),
    book,
  );
  expect(removed).toEqual([1]);
  expect(group.formation.numberSyncStandbys).toBe(0);
});
