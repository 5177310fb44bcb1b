import { expect, it } from 'vitest';
import { describeDelays, percentile, type Delay } from './delays.js';

const since =
  (cause: Delay['since'], goal: string) =>
  (ms: number): Delay => ({ since: cause, goal, ms });

it('finds the least value that as many do not exceed', () => {
  const values = Array.from({ length: 200 }, (_, n) => 200 - n);
  expect(percentile(values, 0.99)).toBe(198);
  expect(percentile(values, 0.5)).toBe(100);
  expect(percentile(values, 1)).toBe(200);
  expect(percentile([7], 0.99)).toBe(7);
});

it('refuses to say anything of nothing', () => {
  expect(() => percentile([], 0.99)).toThrow(RangeError);
});

it('tells what an order cost from what a report cost', () => {
  const delays = [
    ...[90, 150].map(since('order', 'draining')),
    ...[5, 10, 30].map(since('report', 'wait_primary')),
    ...[20, 40].map(since('report', 'catchingup')),
  ];
  expect(describeDelays(delays)).toEqual([
    'all: 7 goals, median 30.0 ms, 99 of 100 150.0 ms, all 150.0 ms',
    'since an order: 2 goals, median 90.0 ms, 99 of 100 150.0 ms, all 150.0 ms',
    'since a report: 5 goals, median 20.0 ms, 99 of 100 40.0 ms, all 40.0 ms',
    'draining, since an order: 2 goals, median 90.0 ms, 99 of 100 150.0 ms, all 150.0 ms',
    'catchingup, since a report: 2 goals, median 20.0 ms, 99 of 100 40.0 ms, all 40.0 ms',
    'wait_primary, since a report: 3 goals, median 10.0 ms, 99 of 100 30.0 ms, all 30.0 ms',
  ]);
});

it('says nothing of what did not happen', () => {
  expect(describeDelays([since('report', 'primary')(3)])).toHaveLength(3);
});
