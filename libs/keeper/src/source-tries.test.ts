import { expect, test } from 'vitest';
import { NO_TRIES, outcomeOf, sourcesInVain, tried, type SourceTries } from './source-tries.js';

function after(...outcomes: readonly (readonly [number, 'received' | 'nothing'])[]): SourceTries {
  return outcomes.reduce((tries, [source, outcome]) => tried(tries, source, outcome, 1000), NO_TRIES);
}

test('a source that gave nothing three times in a row is named, and forgotten after a while', () => {
  const twice = after([3, 'nothing'], [3, 'nothing']);
  expect(sourcesInVain(twice, 1000)).toEqual([]);
  const thrice = tried(twice, 3, 'nothing', 1000);
  expect(sourcesInVain(thrice, 1000)).toEqual([3]);
  expect(sourcesInVain(thrice, 10_999)).toEqual([3]);
  expect(sourcesInVain(thrice, 11_000)).toEqual([]);
});

test('one that gives something, or another one in between, begins the count anew', () => {
  expect(sourcesInVain(after([3, 'nothing'], [3, 'nothing'], [3, 'received'], [3, 'nothing']), 1000)).toEqual(
    [],
  );
  expect(sourcesInVain(after([3, 'nothing'], [3, 'nothing'], [4, 'nothing'], [3, 'nothing']), 1000)).toEqual(
    [],
  );
});

test('what a Postgres that did not answer had received is not known, and counts as no try', () => {
  expect(outcomeOf(10n, 11n)).toBe('received');
  expect(outcomeOf(10n, 10n)).toBe('nothing');
  expect(outcomeOf(null, 11n)).toBe('unknown');
  const twice = after([3, 'nothing'], [3, 'nothing']);
  expect(tried(twice, 3, 'unknown', 1000)).toBe(twice);
});
