import { expect, test } from 'vitest';
import { isAtRest } from './at-rest.js';
import { groupFixture, type GroupFixture, type NodeFixture } from './group-fixture.js';

const PRIMARY: NodeFixture = { id: 1, reported: 'primary' };
const STANDBY: NodeFixture = { id: 2, reported: 'secondary', facts: { quietFor: 2000 } };

const rests = (fixture: Partial<GroupFixture>) =>
  isAtRest(groupFixture({ leader: 1, nodes: [PRIMARY, STANDBY], ...fixture }));

test('a group rests whose nodes are where they are to be, and well', () => {
  expect(rests({})).toBe(true);
  expect(rests({ nodes: [{ id: 1, reported: 'single' }] })).toBe(true);
});

test.each<[string, Partial<GroupFixture>]>([
  ['it has no node', { nodes: [], leader: null }],
  ['it is not believed', { restored: true }],
  ['a switchover is under way', { switchoverTarget: 2 }],
])('not when %s', (_, fixture) => {
  expect(rests(fixture)).toBe(false);
});

test.each<[string, Partial<NodeFixture>]>([
  ['it is to go elsewhere', { goal: 'catchingup' }],
  ['it is where it does not stay', { reported: 'catchingup' }],
  ['a standby is missed', { reported: 'wait_primary' }],
  ['a report is missed', { silentFor: 1.6 }],
  ['its Postgres does not run', { running: false }],
  ['its Postgres does not answer', { facts: { hangs: true } }],
  ['it leaves', { facts: { leaving: true } }],
  ['its processes do not end', { facts: { doomed: true } }],
  ['an operator works on it', { paused: true }],
  ['it has heard nothing of its primary', { facts: { quietFor: 3000 } }],
  ['a check has failed', { seen: { health: 'bad' } }],
  ['no check has been made', { seen: { health: 'unknown' } }],
  ['its host refuses', { seen: { refused: true } }],
  ['its session has ended', { seen: { session: 'closed' } }],
  ['nobody knows of its session', { seen: { session: 'unknown' } }],
])('not when of a node %s', (_, change) => {
  expect(rests({ nodes: [PRIMARY, { ...STANDBY, ...change }] })).toBe(false);
});
