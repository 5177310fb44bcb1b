import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './durations.js';

test.each([
  ['4s', 4000],
  ['1500ms', 1500],
  ['2 min', 120_000],
  ['1.5 s', 1500],
  ['20', 20_000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test('a bare number counts in the unit that is asked for', () => {
  expect(parseDuration('250', 'ms')).toBe(250);
});

test.each(['', 'soon', '-1s', '4 weeks'])('"%s" is refused', (text) => {
  expect(() => parseDuration(text)).toThrow(RangeError);
});

test('durations are printed for people', () => {
  expect(formatDuration(350)).toBe('350 ms');
  expect(formatDuration(1500)).toBe('1.5 s');
  expect(formatDuration(4000)).toBe('4 s');
});
