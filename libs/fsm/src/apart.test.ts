import { expect, test } from 'vitest';
import { groupFixture, HOST_DOWN, HOST_SILENT, type GroupFixture } from './group-fixture.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import { whatFailoverWaitsFor } from './waiting.js';

/** A primary and its standby, both heard of, and nothing has come from the one to the other for so many ms. */
function pair(quietFor: number, changes: Partial<GroupFixture> = {}) {
  return groupFixture({
    nodes: [
      { id: 1, reported: 'primary', facts: { epoch: 1, confirmedSetting: 1, lease: 4000 } },
      { id: 2, reported: 'secondary', facts: { epoch: 1, quietFor } },
    ],
    ...changes,
  });
}

function goalsOf(group: ReturnType<typeof groupFixture>) {
  return settle(group, baseRuleBook()).group.nodes.map(({ goal }) => goal);
}

test('a standby that the primary cannot reach holds up no commit for long', () => {
  expect(goalsOf(pair(5000))).toEqual(['wait_primary', 'catchingup']);
});

test('a primary that has nothing to say for a while is no reason', () => {
  expect(goalsOf(pair(4900))).toEqual(['primary', 'secondary']);
});

test('a formation that asks for a number of standbys waits for them', () => {
  expect(goalsOf(pair(60_000, { numberSyncStandbys: 1 }))).toEqual(['primary', 'catchingup']);
});

test('a formation that holds durability above availability waits for it, and says so', () => {
  const waits = pair(60_000, { partitionPolicy: 'durability' });
  expect(goalsOf(waits)).toEqual(['primary', 'catchingup']);
  expect(whatFailoverWaitsFor(waits)).toEqual([
    'commits wait for node 2 "node_2" (127.0.0.1:5502): nothing of the primary reaches it',
  ]);
});

test('a new primary whose quorum is lost says whom its commits wait for', () => {
  const after = groupFixture({
    numberSyncStandbys: 1,
    inForce: [{ version: 1, required: 1, members: [2, 3] }],
    nodes: [
      { id: 1, reported: 'wait_primary', facts: { epoch: 1, lease: 4000 } },
      { id: 2, reported: 'primary', goal: 'demoted', ...HOST_DOWN },
      { id: 3, reported: 'secondary', goal: 'catchingup', ...HOST_DOWN },
    ],
  });
  expect(whatFailoverWaitsFor(after)).toEqual([
    'commits wait for node 2 "node_2" (127.0.0.1:5502): it is out of reach',
    'commits wait for node 3 "node_3" (127.0.0.1:5503): it is out of reach',
  ]);
});

test('it goes on waiting while the standby comes nearer, and goes on without one that is lost', () => {
  const after = (standby: Partial<GroupFixture['nodes'][number]>) =>
    goalsOf(
      pair(0, {
        partitionPolicy: 'durability',
        nodes: [
          {
            id: 1,
            reported: 'primary',
            lsn: 1_000_000_000n,
            facts: { epoch: 1, confirmedSetting: 1, lease: 4000 },
          },
          { id: 2, reported: 'catchingup', facts: { epoch: 1, quietFor: 100 }, ...standby },
        ],
      }),
    );
  expect(after({})).toEqual(['primary', 'catchingup']);
  expect(after(HOST_SILENT)).toEqual(['wait_primary', 'catchingup']);
  expect(after({ running: false })).toEqual(['wait_primary', 'catchingup']);
});

test('a standby that nothing reaches has not caught up, also when the primary is about to be lost as well', () => {
  const about = pair(0, {
    partitionPolicy: 'durability',
    nodes: [
      {
        id: 1,
        reported: 'primary',
        facts: { epoch: 1, confirmedSetting: 1, lease: 4000 },
        silentFor: 2,
        seen: { ...HOST_DOWN.seen, refused: false, session: 'open' },
      },
      { id: 2, reported: 'catchingup', facts: { epoch: 1, quietFor: 60_000 } },
    ],
  });
  expect(goalsOf(about)).toEqual(['primary', 'catchingup']);
});

test('commits do not stop to wait in the moment in which the standby is back', () => {
  const back = pair(0, {
    partitionPolicy: 'durability',
    nodes: [
      { id: 1, reported: 'primary', facts: { epoch: 1, confirmedSetting: 1, lease: 4000 } },
      { id: 2, reported: 'catchingup', facts: { epoch: 1, quietFor: 100 } },
    ],
  });
  expect(goalsOf(back)).toEqual(['primary', 'secondary']);
});

test('nobody waits for one of two standbys that is apart, whatever the policy', () => {
  const three = (quietFor: number): ReturnType<typeof groupFixture> =>
    groupFixture({
      partitionPolicy: 'durability',
      inForce: [{ version: 1, required: 1, members: [2, 3] }],
      nodes: [
        { id: 1, reported: 'primary', facts: { epoch: 1, confirmedSetting: 1, lease: 4000 } },
        { id: 2, reported: 'secondary', facts: { epoch: 1, quietFor: 60_000 } },
        { id: 3, reported: 'secondary', facts: { epoch: 1, quietFor } },
      ],
    });
  expect(whatFailoverWaitsFor(three(100))).toEqual([]);
  expect(whatFailoverWaitsFor(three(60_000))).toHaveLength(2);
});

test('what waits for durability can be failed over all the same, with everything that was acknowledged', () => {
  const gone = pair(60_000, {
    partitionPolicy: 'durability',
    nodes: [
      { id: 1, reported: 'primary', ...HOST_SILENT, facts: { epoch: 1, confirmedSetting: 1, lease: 4000 } },
      { id: 2, reported: 'secondary', facts: { epoch: 1, quietFor: 60_000 } },
    ],
  });
  expect(goalsOf(gone)).toEqual(['draining', 'prepare_promotion']);
});

test('it is taken back when it hears the primary again, and not before', () => {
  const nodes = (quietFor: number): GroupFixture['nodes'] => [
    { id: 1, reported: 'wait_primary', facts: { epoch: 1, confirmedSetting: 2, lease: 4000 } },
    { id: 2, reported: 'catchingup', facts: { epoch: 1, quietFor } },
  ];
  const inForce = [{ version: 2, required: 0, members: [] }];
  expect(goalsOf(groupFixture({ nodes: nodes(60_000), inForce }))).toEqual(['wait_primary', 'catchingup']);
  expect(goalsOf(groupFixture({ nodes: nodes(100), inForce }))).toEqual(['wait_primary', 'secondary']);
});

test('a primary whose Postgres does not run is not taken for one that is apart', () => {
  const nodes: GroupFixture['nodes'] = [
    { id: 1, reported: 'primary', running: false, facts: { epoch: 1, paused: true } },
    { id: 2, reported: 'secondary', facts: { epoch: 1, quietFor: 60_000 } },
  ];
  expect(goalsOf(groupFixture({ nodes }))[1]).toBe('secondary');
});
