import { expect, it } from 'vitest';
import { nearestWord } from './nearest-word.js';

it.each([
  ['crate monitor', 'create monitor'],
  ['stauts', 'status'],
  ['show stat', 'show state'],
  ['hsow state', 'show state'],
  ['sotp', 'stop'],
  ['nonsense', null],
  ['st', null],
  ['', null],
])('takes %j for %j', (typed, meant) => {
  expect(nearestWord(typed, ['create monitor', 'status', 'stop', 'show state', 'show uri'])).toBe(meant);
});
