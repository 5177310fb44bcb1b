import { expect, test } from 'vitest';
import { spreadChecks } from './spread-checks.js';

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

test('a few are begun at once', () => {
  expect(spreadChecks(['a', 'b', 'c'], 200)).toEqual([{ after: 0, due: ['a', 'b', 'c'] }]);
  expect(spreadChecks([], 200)).toEqual([]);
});

test('many are begun evenly until the next look, each once and in their order', () => {
  const batches = spreadChecks(numbers(205), 200);
  expect(batches.flatMap(({ due }) => due)).toEqual(numbers(205));
  expect(Math.max(...batches.map(({ due }) => due.length))).toBeLessThanOrEqual(10);
  const times = batches.map(({ after }) => after);
  expect(times[0]).toBe(0);
  expect(times.at(-1)).toBeLessThan(200);
  expect(times.at(-1)).toBeGreaterThan(180);
  const gaps = times.slice(1).map((after, n) => after - (times[n] ?? 0));
  for (const gap of gaps) expect(gap).toBeCloseTo(gaps[0] ?? 0);
});
