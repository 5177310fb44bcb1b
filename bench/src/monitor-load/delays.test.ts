import { expect, it } from 'vitest';
import { delaysOf, describeDelays, percentile, type Delay } from './delays.js';

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

it('counts from what a decision answers to, not from what was said before the node heard of it', () => {
  const causes = [
    { since: 'order', at: 0, saidAt: 0 },
    { since: 'report', at: 95, saidAt: 100 },
    { since: 'report', at: 130, saidAt: 130 },
  ] as const;
  const decided = [
    { node: 1, goal: 'draining', at: 20 },
    { node: 1, goal: 'demoted', at: 110 },
    { node: 2, goal: 'wait_primary', at: 110 },
  ];
  const told = [
    { node: 1, goal: 'draining', at: 30 },
    { node: 1, goal: 'draining', at: 50 },
    { node: 1, goal: 'demoted', at: 115 },
    { node: 2, goal: 'wait_primary', at: 140 },
  ];
  expect(delaysOf(causes, decided, told)).toEqual([
    { since: 'order', goal: 'draining', ms: 30 },
    { since: 'report', goal: 'demoted', ms: 20 },
    { since: 'report', goal: 'wait_primary', ms: 45 },
  ]);
});

it('refuses to leave out a goal that was told after the next one was decided', () => {
  const causes = [{ since: 'report', at: 5, saidAt: 5 }] as const;
  const decided = [
    { node: 1, goal: 'primary', at: 0 },
    { node: 1, goal: 'catchingup', at: 10 },
    { node: 1, goal: 'secondary', at: 20 },
  ];
  const told = [
    { node: 1, goal: 'secondary', at: 25 },
    { node: 1, goal: 'catchingup', at: 900 },
  ];
  expect(() => delaysOf(causes, decided, told)).toThrow('node 1 was never told of its goal catchingup');
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
