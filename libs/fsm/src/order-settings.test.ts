import { expect, test } from 'vitest';
import { groupFixture, type GroupFixture } from './group-fixture.js';
import { decideCommand, type OperatorCommand } from './operator.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';

const book = baseRuleBook();

const THREE: GroupFixture = {
  nodes: [
    { id: 1, reported: 'primary' },
    { id: 2, reported: 'secondary' },
    { id: 3, reported: 'secondary' },
  ],
  inForce: [{ version: 1, required: 1, members: [2, 3] }],
  numberSyncStandbys: 1,
};

const ask = (fixture: GroupFixture, command: OperatorCommand) =>
  decideCommand(groupFixture(fixture), command, book);

test('a priority reaches the row, the order of the setting, and the primary by apply_settings', () => {
  const decision = ask(THREE, { kind: 'set_candidate_priority', name: 'node_3', priority: 80 });
  expect(decision).toMatchObject({
    tag: 'accepted',
    answer: true,
    settled: {
      transitions: [{ node: 1, from: 'primary', goal: 'apply_settings', rule: 'operator.settings' }],
      group: {
        nodes: [{ id: 1 }, { id: 2, candidatePriority: 50 }, { id: 3, candidatePriority: 80 }],
        settingsInForce: [
          { version: 1, required: 1, members: [2, 3] },
          { version: 2, required: 1, members: [3, 2] },
        ],
      },
    },
  });
});

test('a primary that has taken in its settings is primary again', () => {
  const applied = settle(
    groupFixture({ ...THREE, nodes: [{ id: 1, reported: 'apply_settings' }, ...THREE.nodes.slice(1)] }),
    book,
  );
  expect(applied.transitions).toMatchObject([{ node: 1, goal: 'primary', rule: 'leader.settingsApplied' }]);
});

test.each([-1, 101, 1.5, Number.NaN])('a priority of %s is refused', (priority) => {
  expect(ask(THREE, { kind: 'set_candidate_priority', name: 'node_2', priority })).toMatchObject({
    tag: 'refused',
    sqlstate: '22023',
    hint: expect.stringContaining('0') as string,
  });
});

test('a setting of a node that is not there is refused', () => {
  for (const command of [
    { kind: 'set_candidate_priority', name: 'nobody', priority: 1 },
    { kind: 'set_replication_quorum', name: 'nobody', quorum: true },
  ] as const) {
    expect(ask(THREE, command)).toMatchObject({ tag: 'refused', sqlstate: '42704' });
  }
});

test('the last but one candidate that becomes none is told of', () => {
  const pair: GroupFixture = { nodes: THREE.nodes.slice(0, 2) };
  expect(ask(pair, { kind: 'set_candidate_priority', name: 'node_2', priority: 0 })).toMatchObject({
    tag: 'accepted',
    notice: expect.stringContaining('only node 1') as string,
  });
  expect(ask(THREE, { kind: 'set_candidate_priority', name: 'node_2', priority: 0 })).not.toHaveProperty(
    'notice',
  );
});

test('a standby leaves the quorum where the others can carry what commits wait for', () => {
  const leave: OperatorCommand = { kind: 'set_replication_quorum', name: 'node_3', quorum: false };
  expect(ask(THREE, leave)).toMatchObject({
    tag: 'refused',
    sqlstate: '22023',
    detail: expect.stringContaining('At least 2 standbys') as string,
  });
  expect(ask({ ...THREE, numberSyncStandbys: 0 }, leave)).toMatchObject({
    tag: 'accepted',
    settled: { group: { settingsInForce: [{}, { required: 1, members: [2] }] } },
  });
});

test('a standby leaves the quorum while a primary is there only', () => {
  const leaderless: GroupFixture = { nodes: [{ id: 2, reported: 'secondary' }], leader: null };
  expect(ask(leaderless, { kind: 'set_replication_quorum', name: 'node_2', quorum: false })).toMatchObject({
    tag: 'refused',
    sqlstate: 'XX000',
  });
  expect(ask(leaderless, { kind: 'set_candidate_priority', name: 'node_2', priority: 7 })).toMatchObject({
    tag: 'accepted',
    settled: { group: { nodes: [{ candidatePriority: 7 }] } },
  });
});

test.each([
  [0, 'accepted'],
  [1, 'accepted'],
  [2, 'refused'],
])('number_sync_standbys %i with two standbys in the quorum is %s', (number, tag) => {
  expect(
    ask({ ...THREE, numberSyncStandbys: 0 }, { kind: 'set_number_sync_standbys', number }),
  ).toMatchObject({
    tag,
    ...(tag === 'refused' && { sqlstate: '22023' }),
  });
});

test.each<[string, GroupFixture, number, string]>([
  ['below 0', THREE, -1, '22023'],
  ['without a primary', { nodes: [{ id: 2, reported: 'secondary' }], leader: null }, 0, 'XX000'],
  [
    'while the primary is on its way',
    { ...THREE, nodes: [{ id: 1, reported: 'wait_primary', goal: 'primary' }, ...THREE.nodes.slice(1)] },
    0,
    '55000',
  ],
  ['of a single node', { nodes: [{ id: 1, reported: 'single' }] }, 1, '22023'],
])('number_sync_standbys %s is refused', (_case, fixture, number, sqlstate) => {
  expect(ask(fixture, { kind: 'set_number_sync_standbys', number })).toMatchObject({
    tag: 'refused',
    sqlstate,
  });
});

test('a primary without a standby keeps taking writes when settings change', () => {
  const alone: GroupFixture = {
    nodes: [
      { id: 1, reported: 'wait_primary' },
      { id: 2, reported: 'catchingup', lsn: 0n },
    ],
    inForce: [{ version: 3, required: 0, members: [] }],
  };
  expect(ask(alone, { kind: 'set_candidate_priority', name: 'node_2', priority: 9 })).toMatchObject({
    tag: 'accepted',
    settled: { transitions: [], group: { settingsInForce: [{ version: 3, required: 0 }] } },
  });
});
