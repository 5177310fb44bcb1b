import { expect, test } from 'vitest';
import { whatMayBeLost, type Position } from './lossy-failover.js';

const position = (name: string, lsn: string, change: Partial<Position> = {}): Position => ({
  name,
  leads: false,
  lsn,
  tli: 1,
  age: 0.2,
  ...change,
});

test('of a primary that is lost, what each standby has less', () => {
  const nodes = [position('node1', '0/1000', { leads: true, age: 14.4 }), position('node2', '0/F00')];
  expect(whatMayBeLost(nodes)[0]).toBe(
    'The primary "node1" has 0/1000 on timeline 1, as it said 14 s ago; "node2" has 0/F00 on timeline 1, 256 bytes less',
  );
});

test('where the primary was removed already, what each node said last', () => {
  const nodes = [position('node1', '0/1000', { age: 14.4 }), position('node3', '0/F00')];
  expect(whatMayBeLost(nodes)).toEqual([
    'The group has no primary: "node1" has 0/1000 on timeline 1, as it said 14 s ago; "node3" has 0/F00 on timeline 1, ' +
      'as it said 0 s ago',
    'What the node that takes over does not have is lost: acknowledged commits may be among it',
  ]);
});
