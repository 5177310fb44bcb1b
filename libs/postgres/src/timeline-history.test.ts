import { expect, test } from 'vitest';
import { isOnLine, leftAt, parseTimelineHistory } from './timeline-history.js';

test('reads switches, not comments', () => {
  const text = '# made by hand\n1\t0/3000148\tno recovery target specified\n\n2\t1/A0\treason\n';
  expect(parseTimelineHistory(text)).toEqual([
    { timeline: 1, switchpoint: 0x3000148n },
    { timeline: 2, switchpoint: 0x1000000a0n },
  ]);
});

test('WAL lies on a line up to where its timeline was left, and up to the end of the last one', () => {
  const line = {
    timeline: 3,
    lsn: 900n,
    history: [
      { timeline: 1, switchpoint: 100n },
      { timeline: 2, switchpoint: 500n },
    ],
  };
  const ends = [
    [1, 100n, true],
    [1, 101n, false],
    [2, 500n, true],
    [2, 600n, false],
    [3, 900n, true],
    [3, 901n, false],
    [4, 10n, false],
  ] as const;
  for (const [timeline, lsn, expected] of ends) expect(isOnLine({ timeline, lsn }, line)).toBe(expected);
});

test('a line is left where the first promotion after it was made, whether anybody heard of that or not', () => {
  const history = [
    { timeline: 1, switchpoint: 100n },
    { timeline: 2, switchpoint: 500n },
  ];
  expect(leftAt(history, 2)).toBe(500n);
  expect(leftAt(history, 1)).toBe(100n);
  // Not known where it was before: by its parent.
  expect(leftAt(history, 3)).toBe(500n);
  expect(leftAt([], 1)).toBe(null);
});
