import { expect, it } from 'vitest';
import { othersCanWrite, othersThanItsGroupCanWrite } from './who-can-write.js';

it.each([
  ['others can', 1000, 1000, 0o646, true, true],
  ['its group can, and has others in it', 1000, 100, 0o664, true, true],
  ['its group can, which is the owner’s own', 1000, 1000, 0o664, true, false],
  ['its group can, which is root’s', 0, 0, 0o664, true, true],
  ['its owner alone can', 1000, 100, 0o644, false, false],
])('tells of a file that %s', (_, uid, gid, mode, strictly, expected) => {
  expect(othersCanWrite({ mode })).toBe(strictly);
  expect(othersThanItsGroupCanWrite({ uid, gid, mode })).toBe(expected);
});
