import { expect, test } from 'vitest';
import { beginQuiet, watchQuiet, type Quiet, type QuietSample } from './quiet.js';

const message = (messageAt: string, messageAge: number, lsn = 10n): QuietSample => ({
  lsn,
  receiver: { messageAt, messageAge },
});
const gone = (lsn = 10n): QuietSample => ({ lsn, receiver: null });

/** Since when nothing has come, after looks at these instants. */
function since(...looks: [number, QuietSample | null, boolean?][]): number {
  let quiet: Quiet = beginQuiet(0);
  for (const [now, sample, runs] of looks) quiet = watchQuiet(quiet, sample, runs ?? true, now);
  return quiet.since;
}

test('the last message dates it, for as long as none is newer', () => {
  expect(since([1000, message('a', 300)], [2000, message('a', 1300)])).toBe(700);
  expect(since([1000, message('a', 300)], [2000, message('b', 100)])).toBe(1900);
});

test('a clock that was set does not make a message older than the last look', () => {
  expect(since([1000, message('a', 300)], [2000, message('b', 3_600_000)])).toBe(1000);
  expect(since([1000, message('a', 300)], [2000, message('b', -5000)])).toBe(2000);
});

test('a stream that has ended brought nothing after what was seen, unless WAL came', () => {
  expect(since([1000, message('a', 300)], [2000, gone()], [3000, gone()])).toBe(700);
  expect(since([1000, message('a', 300)], [2000, gone(11n)], [3000, gone(11n)])).toBe(2000);
});

test('while Postgres does not answer, anything may come; once it is stopped, nothing', () => {
  expect(since([1000, message('a', 300)], [2000, null], [3000, gone()])).toBe(2000);
  expect(since([1000, message('a', 300)], [2000, null, false], [3000, null, false])).toBe(2000);
});
