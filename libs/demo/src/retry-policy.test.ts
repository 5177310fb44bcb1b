import fc from 'fast-check';
import { expect, it } from 'vitest';
import { failoverTimes } from './failover-times.js';
import { drawPolicy, sleepAfter, sleepBetween } from './retry-policy.js';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map((value) => () => value);

it('sleeps longer with each attempt, and never longer than the cap', () => {
  fc.assert(
    fc.property(random, fc.integer({ min: 1, max: 40 }), (draw, failures) => {
      const policy = drawPolicy(draw);
      expect(policy.initial).toBeLessThan(policy.cap);
      const [now, next] = [failures, failures + 1].map((count) => sleepAfter(count, policy, draw));
      expect(now).toBeGreaterThanOrEqual(Math.floor(policy.initial / 2));
      expect(next).toBeGreaterThanOrEqual(now ?? NaN);
      expect(next).toBeLessThanOrEqual(policy.cap);
      expect(sleepBetween(draw)).toBeGreaterThanOrEqual(10);
      expect(sleepBetween(draw)).toBeLessThanOrEqual(200);
    }),
  );
});

it.each([
  [30, 10, 45, [10]],
  [200, 10, 30, [10, 40, 70, 100, 130, 160, 190]],
  [15, 10, 45, [10]],
  [14, 10, 45, []],
  [5, 0, 60, [0]],
])('%s s, first after %s s and then every %s s: at %j', (duration, first, every, times) => {
  expect(failoverTimes(duration, { first, every })).toEqual([]);
  expect(failoverTimes(duration * 1000, { first: first * 1000, every: every * 1000 })).toEqual(
    times.map((at) => at * 1000),
  );
});
