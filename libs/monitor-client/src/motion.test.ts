import type { State } from '@pgaf/core/states';
import { expect, test } from 'vitest';
import { Motion, PaceInMotion } from './motion.js';
import type { AssignmentJson } from './reports.js';

function told(reported: State, goal: State, announcesLate: boolean | undefined = true): AssignmentJson {
  const nodes = [
    { id: 1, reported, goal },
    { id: 2, reported: 'secondary', goal: 'secondary' },
  ];
  return { epoch: 1, leader: 1, setting: null, nodes, announcesLate } as unknown as AssignmentJson;
}

test('a group at rest is not in motion, nor is one that is seen for the first time', () => {
  const motion = new Motion();
  expect(motion.note('secondary', told('primary', 'draining'), 0)).toBe(false);
  const resting = new Motion();
  expect(resting.note('secondary', told('primary', 'primary'), 0)).toBe(false);
  expect(resting.note('secondary', told('primary', 'primary'), 1000)).toBe(false);
});

test('a change sets a group in motion, until nothing has changed for a while', () => {
  const motion = new Motion();
  motion.note('secondary', told('primary', 'primary'), 0);
  expect(motion.note('secondary', told('primary', 'draining'), 1000)).toBe(true);
  expect(motion.note('secondary', told('primary', 'draining'), 2900)).toBe(true);
  expect(motion.note('secondary', told('draining', 'draining'), 2950)).toBe(true);
  expect(motion.note('secondary', told('draining', 'draining'), 3440)).toBe(true);
  expect(motion.note('secondary', told('draining', 'draining'), 3460)).toBe(false);
});

test('a node that never comes where it is to be keeps nobody busy', () => {
  const motion = new Motion();
  motion.note('secondary', told('primary', 'primary'), 0);
  expect(motion.note('secondary', told('primary', 'draining'), 1000)).toBe(true);
  expect(motion.note('secondary', told('primary', 'draining'), 3100)).toBe(false);
});

test('a monitor that announces at once, or is too old to say, is not asked more often', () => {
  for (const announcesLate of [false, undefined]) {
    const motion = new Motion();
    const at = (goal: State) => ({ ...told('primary', goal), announcesLate }) as AssignmentJson;
    motion.note('secondary', at('primary'), 0);
    expect(motion.note('secondary', at('draining'), 1)).toBe(false);
  }
});

test('a monitor that takes its time is asked less often, unless it did so once', () => {
  const pace = new PaceInMotion();
  expect([0, 5, 10, 100].map((took) => pace.next(took))).toEqual([20, 20, 20, 30]);
  expect([100, 100, 5, 5].map((took) => pace.next(took))).toEqual([300, 300, 20, 20]);
  expect(pace.next(1, 5)).toBe(5);
});
