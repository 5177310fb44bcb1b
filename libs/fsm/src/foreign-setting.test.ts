import { expect, test } from 'vitest';
import { groupFixture } from './group-fixture.js';
import { obstacleToElection } from './election.js';
import { baseRuleBook } from './rule-book.js';
import { settle } from './settle.js';
import type { GroupSnapshot, KeeperFacts } from './vocabulary.js';

const book = baseRuleBook();
const assigned = { version: 1, required: 1, members: [2] };

function report(group: GroupSnapshot, facts: KeeperFacts): GroupSnapshot {
  const nodes = group.nodes.map((node) =>
    node.id === 1 ? { ...node, report: { ...node.report, facts: { epoch: 1, ...facts } } } : node,
  );
  return settle({ ...group, nodes }, book).group;
}

test('where Postgres obeys a setting that is not ours, no promises suffice until ours is confirmed again', () => {
  const before = groupFixture({
    inForce: [assigned],
    nodes: [
      { id: 1, reported: 'primary', facts: { epoch: 1, confirmedSetting: 1 } },
      { id: 2, reported: 'secondary' },
    ],
  });
  expect(obstacleToElection(before)).toBeNull();

  const found = report(before, { overriddenSetting: 1 });
  expect(found.settingsInForce).toEqual([
    assigned,
    { version: 2, required: 0, members: [] },
    { version: 3, required: 1, members: [2] },
  ]);
  expect(obstacleToElection(found)).toBe('commits may have been acknowledged that no standby has');
  // The keeper finds it still there, or has not looked since its restart.
  for (const facts of [{ overriddenSetting: 3 }, {}, { confirmedSetting: 1 }]) {
    expect(obstacleToElection(report(found, facts))).not.toBeNull();
  }
  expect(report(found, { overriddenSetting: 3 }).settingsInForce).toEqual(found.settingsInForce);

  const mended = report(found, { confirmedSetting: 3 });
  expect(mended.settingsInForce).toEqual([{ version: 3, required: 1, members: [2] }]);
  expect(obstacleToElection(mended)).toBeNull();
});

test('a setting that was replaced before the report of it came is no reason to trust the one after it', () => {
  const before = groupFixture({
    inForce: [assigned, { version: 2, required: 1, members: [2, 3] }],
    nodes: [
      { id: 1, reported: 'primary', facts: { epoch: 1 } },
      { id: 2, reported: 'secondary' },
      { id: 3, reported: 'secondary' },
    ],
  });
  expect(obstacleToElection(before)).toBeNull();
  const found = report(before, { overriddenSetting: 1 });
  expect(obstacleToElection(found)).toBe('commits may have been acknowledged that no standby has');
  expect(report(found, { overriddenSetting: 1 }).settingsInForce).toEqual(found.settingsInForce);
  const mended = report(found, { confirmedSetting: 4 });
  expect(mended.settingsInForce).toEqual([{ version: 4, required: 1, members: [2, 3] }]);
});
