import { expect, it } from 'vitest';
import { isStable } from './formation.js';
import type { NodeState } from './monitor-probe.js';

function node(group: number, goal: string, changes: Partial<NodeState> = {}): NodeState {
  return { name: 'n', group, port: 1, reported: goal, goal, lsn: '0/0', tli: 1, health: 1, ...changes };
}

it.each<[string, NodeState[], boolean]>([
  ['a primary and its standby', [node(0, 'primary'), node(0, 'secondary')], true],
  ['a single node', [node(0, 'single')], true],
  ['a primary alone', [node(0, 'primary')], true],
  ['two groups', [node(0, 'single'), node(1, 'secondary'), node(1, 'primary')], true],
  ['nobody', [], false],
  ['a standby that catches up', [node(0, 'wait_primary'), node(0, 'catchingup')], false],
  ['a goal not reached', [node(0, 'primary', { reported: 'wait_primary' }), node(0, 'secondary')], false],
  ['bad health', [node(0, 'primary'), node(0, 'secondary', { health: 0 })], false],
  ['a group without a primary', [node(0, 'single'), node(1, 'secondary')], false],
])('%s', (_what, states, expected) => {
  expect(isStable(states)).toBe(expected);
});
