import { describe, expect, it } from 'vitest';
import { judge, longestOutage, type Attempt } from './history.js';

function attempt(id: number, answeredAt: number, outcome: Attempt['outcome'] = 'acknowledged'): Attempt {
  return { id, sentAt: answeredAt - 1, answeredAt, outcome };
}

describe('longestOutage', () => {
  it('is the longest gap between two acknowledged commits; failed and warned ones do not end it', () => {
    const history = [
      attempt(1, 10),
      attempt(2, 20),
      attempt(3, 120, 'failed'),
      attempt(4, 220, 'warned'),
      attempt(5, 320),
      attempt(6, 330),
    ];
    expect(longestOutage(history)).toEqual({ ms: 300, from: 20, to: 320 });
  });

  it('looks at commits from an instant on', () => {
    expect(longestOutage([attempt(1, 10), attempt(2, 500), attempt(3, 520)], 100).ms).toBe(20);
  });

  it('is 0 for a history with fewer than two commits', () => {
    expect(longestOutage([attempt(1, 10)]).ms).toBe(0);
  });
});

describe('judge', () => {
  const history = [attempt(1, 10), attempt(2, 20, 'failed'), attempt(3, 30, 'warned'), attempt(4, 40)];

  it('accepts a failed row that is there and a warned row that is not', () => {
    const verdict = judge(
      history,
      new Map([
        [1, 1],
        [2, 1],
        [4, 1],
      ]),
    );
    expect(verdict).toEqual({ acknowledged: 2, lost: [], duplicated: [], foreign: [] });
  });

  it('finds the lost, the doubled and the foreign row', () => {
    const verdict = judge(
      history,
      new Map([
        [1, 2],
        [9, 1],
      ]),
    );
    expect(verdict).toEqual({ acknowledged: 2, lost: [4], duplicated: [1], foreign: [9] });
  });
});
