import { describe, expect, it } from 'vitest';
import { achieved, judge } from './measurement.js';
import { summarize } from './statistics.js';

describe('summarize', () => {
  it('takes the middle of an odd number of runs and the mean of the two middle ones of an even number', () => {
    expect(summarize([3, 1, 2])).toMatchObject({ median: 2, min: 1, max: 3 });
    expect(summarize([4, 1, 2, 3]).median).toBe(2.5);
  });

  it('refuses to summarize nothing', () => {
    expect(() => summarize([])).toThrow(RangeError);
  });
});

describe('an outcome', () => {
  it('adds up the rows of its runs, and has none when no client wrote', () => {
    const runs = [
      { value: 1, acknowledged: 10, lost: 0 },
      { value: 2, acknowledged: 20, lost: 1 },
    ];
    expect(achieved(runs)).toMatchObject({ median: 1.5, acknowledged: 30, lost: 1 });
    expect(achieved([{ value: 1 }])).not.toHaveProperty('lost');
  });

  it('is judged by its median, but a lost row or a failure counts more', () => {
    const budget = { budget: 1 };
    expect(judge(budget, achieved([{ value: 0.9 }, { value: 1 }, { value: 5 }]))).toBe('ok');
    expect(judge(budget, achieved([{ value: 0.9 }, { value: 1.1 }, { value: 5 }]))).toBe('OVER');
    expect(judge(budget, achieved([{ value: 0.1, acknowledged: 5, lost: 1 }]))).toBe('LOST');
    expect(judge(budget, { failed: 'no standby' })).toBe('FAILED');
  });
});
