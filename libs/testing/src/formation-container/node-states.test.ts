import { expect, it } from 'vitest';
import { isStable, primaryOf, type NodeState } from './node-states.js';

const state = (name: string, group: number, reported: string, assigned = reported): NodeState => ({
  name,
  group,
  reported,
  assigned,
  health: 1,
});
const nodes = ['a', 'b', 'c'].map((name) => ({ name, role: 'any' }));

it('calls a formation stable that has all its nodes where they stay', () => {
  const pair = [state('a', 0, 'primary'), state('b', 0, 'secondary')];
  expect(isStable([...pair, state('c', 0, 'secondary')], { nodes })).toBe(true);
  expect(isStable([...pair, state('c', 1, 'single')], { nodes })).toBe(true);
  expect(isStable(pair, { nodes })).toBe(false);
  expect(isStable([...pair, state('c', 0, 'catchingup', 'secondary')], { nodes })).toBe(false);
  expect(isStable([...pair, state('c', 0, 'maintenance')], { nodes })).toBe(false);
  expect(
    isStable([state('a', 0, 'wait_primary'), ...pair.slice(1), state('c', 1, 'single')], { nodes }),
  ).toBe(false);
});

it('finds who takes writes in a group, and nobody while that changes', () => {
  const states = [
    state('a', 0, 'primary', 'demoted'),
    state('b', 0, 'wait_primary'),
    state('c', 1, 'single'),
  ];
  expect(primaryOf(states, 0)?.name).toBe('b');
  expect(primaryOf(states, 1)?.name).toBe('c');
  expect(primaryOf([state('a', 0, 'secondary', 'prepare_promotion')], 0)).toBeNull();
  expect(primaryOf([state('a', 0, 'primary'), state('b', 0, 'primary')], 0)).toBeNull();
});
