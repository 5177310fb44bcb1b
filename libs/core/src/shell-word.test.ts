import { expect, it } from 'vitest';
import { shellWord } from './shell-word.js';

it.each([
  ['/var/lib/pg-1', '/var/lib/pg-1'],
  ['/a b/c', "'/a b/c'"],
  ["it's", "'it'\\''s'"],
  ['$HOME', "'$HOME'"],
  ['', "''"],
])('types %s as %s', (text, typed) => {
  expect(shellWord(text)).toBe(typed);
});
