import type { State } from '@pgaf/core/states';
import type { GroupSnapshot } from '@pgaf/plugin-api/snapshot';
import { expect, test } from 'vitest';
import { WritersSeen } from './writers-seen.js';

const group = (number: number, ...states: readonly (readonly [State, State])[]) =>
  ({
    formation: { id: 'default' },
    group: number,
    nodes: states.map(([reported, goal], i) => ({ id: i + 1, reported, goal })),
  }) as unknown as GroupSnapshot;

test('a node begins to take writes that did not before', () => {
  const writers = new WritersSeen();
  writers.hasBegunForOthers(group(1));
  const seen = [
    group(0, ['primary', 'primary'], ['secondary', 'secondary']),
    group(0, ['primary', 'draining'], ['report_lsn', 'prepare_promotion']),
    group(0, ['primary', 'demoted'], ['wait_primary', 'wait_primary']),
    group(0, ['primary', 'demoted'], ['wait_primary', 'wait_primary']),
    group(0, ['primary', 'primary'], ['wait_primary', 'demoted']),
  ];
  expect(seen.map((one) => writers.hasBegunForOthers(one))).toEqual([false, false, true, false, true]);
});

test('each group has a writer of its own, and the first look at one tells nothing', () => {
  const writers = new WritersSeen();
  const seen = [
    group(0, ['draining', 'draining']),
    group(1, ['single', 'single']),
    group(0, ['single', 'single']),
    group(1, ['single', 'single']),
  ];
  expect(seen.map((one) => writers.hasBegunForOthers(one))).toEqual([false, false, true, false]);
});

test('where there is no other group, or only one of another formation, nobody waits for it', () => {
  const writers = new WritersSeen();
  const other = { ...group(1), formation: { id: 'other' } } as unknown as GroupSnapshot;
  const seen = [group(0, ['draining', 'draining']), other, group(0, ['single', 'single'])];
  expect(seen.map((one) => writers.hasBegunForOthers(one))).toEqual([false, false, false]);
});
