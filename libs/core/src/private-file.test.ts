import { expect, it } from 'vitest';
import { isPrivate } from './private-file.js';

it.each([
  { mode: 0o100600, uid: 1000, answer: true },
  { mode: 0o100640, uid: 1000, answer: false },
  { mode: 0o100604, uid: 1000, answer: false },
  { mode: 0o100600, uid: 0, answer: true },
  { mode: 0o100640, uid: 0, answer: true },
  { mode: 0o100660, uid: 0, answer: false },
  { mode: 0o100644, uid: 0, answer: false },
])('says $answer of $mode of $uid', ({ answer, ...file }) => {
  expect(isPrivate(file)).toBe(answer);
});
