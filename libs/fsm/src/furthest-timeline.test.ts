import { expect, test } from 'vitest';
import { groupFixture, type NodeFixture } from './group-fixture.js';
import { furthestTimeline } from './quorum.js';

const LINEAGE = [1, 2, 3].map((epoch) => ({ epoch, tli: epoch, switchpoint: 1000n }));

/** Beside one that led first and is back; who led last was given up. */
function furthestWith(away: Partial<NodeFixture>, switchoverForced = false): number {
  const fixture = groupFixture({
    epoch: 3,
    leader: null,
    nodes: [
      { id: 1, reported: 'demoted', tli: 1 },
      { id: 2, reported: 'primary', goal: 'demoted', silentFor: 60, ...away },
    ],
  });
  return furthestTimeline({ ...fixture, lineage: LINEAGE, switchoverForced });
}

test('who led before the one that was given up counts, also while it is away', () => {
  expect(furthestWith({ tli: 2 })).toBe(2);
});

test('who was given up does not', () => {
  expect(furthestWith({ tli: 3 })).toBe(1);
});

test('nobody who is away counts where an operator has accepted that loss', () => {
  expect(furthestWith({ tli: 2 }, true)).toBe(1);
});
