import { expect, test } from 'vitest';
import { hasDiverged } from './timeline.js';

const lineage = [
  { epoch: 1, tli: 1, switchpoint: null },
  { epoch: 2, tli: 2, switchpoint: 100n },
  { epoch: 3, tli: 3, switchpoint: 200n },
];

test('WAL past the point where the group left its timeline is a divergence', () => {
  expect(hasDiverged({ timeline: 1, lsn: 101n }, lineage)).toBe(true);
  expect(hasDiverged({ timeline: 2, lsn: 201n }, lineage)).toBe(true);
});

test('WAL up to that point, or on the last timeline, is none', () => {
  expect(hasDiverged({ timeline: 1, lsn: 100n }, lineage)).toBe(false);
  expect(hasDiverged({ timeline: 2, lsn: 150n }, lineage)).toBe(false);
  expect(hasDiverged({ timeline: 3, lsn: 9000n }, lineage)).toBe(false);
});

test('an unknown switch point proves nothing', () => {
  expect(hasDiverged({ timeline: 1, lsn: 101n }, [{ epoch: 2, tli: 2, switchpoint: null }])).toBe(false);
});
