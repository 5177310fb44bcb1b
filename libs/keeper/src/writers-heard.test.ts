import { expect, test } from 'vitest';
import type { State } from '@pgaf/core/states';
import type { News } from './monitor-link.js';
import { WritersHeard } from './writers-heard.js';

function news(nodeId: number, reported: State, goal: State, health: News['health'] = 'good'): News {
  return { formation: 'default', group: 0, nodeId, reported, goal, health };
}

test('of a whole switchover one change makes a writer', () => {
  const writers = new WritersHeard();
  expect(writers.mayHaveGained(news(1, 'primary', 'primary'))).toBe(true);
  const told = [
    news(1, 'primary', 'draining'),
    news(1, 'draining', 'draining'),
    news(2, 'secondary', 'prepare_promotion'),
    news(2, 'prepare_promotion', 'prepare_promotion'),
    news(1, 'draining', 'demoted'),
    news(2, 'prepare_promotion', 'wait_primary'),
    news(2, 'wait_primary', 'wait_primary'),
    news(1, 'demoted', 'catchingup'),
    news(1, 'secondary', 'secondary'),
    news(2, 'wait_primary', 'primary'),
    news(2, 'primary', 'primary'),
  ];
  const gained = told.filter((one) => writers.mayHaveGained(one));
  expect(gained).toEqual([news(2, 'wait_primary', 'wait_primary')]);
});

test('who stopped and is back has begun anew', () => {
  const writers = new WritersHeard();
  const told = [news(1, 'single', 'single'), news(1, 'single', 'draining'), news(1, 'single', 'single')];
  expect(told.map((one) => writers.mayHaveGained(one))).toEqual([true, false, true]);
});

test('whose Postgres was down and is back has begun anew, whatever state it was in meanwhile', () => {
  const writers = new WritersHeard();
  const told = (['unknown', 'good', 'bad', 'bad', 'good', 'good'] as const).map((health) =>
    news(1, 'primary', 'primary', health),
  );
  expect(told.map((one) => writers.mayHaveGained(one))).toEqual([true, false, false, false, true, false]);
});

test('after a silence each writer counts as new', () => {
  const writers = new WritersHeard();
  const told = [news(1, 'primary', 'primary'), news(1, 'primary', 'primary'), null];
  expect(told.map((one) => writers.mayHaveGained(one))).toEqual([true, false, true]);
  expect(writers.mayHaveGained(news(1, 'primary', 'primary'))).toBe(true);
});
