import { describe, expect, it } from 'vitest';
import { planDemo } from './demo-plan.js';

const none = { 'no-failover': false };

describe('the plan of a demonstration', () => {
  it('has the defaults of the reference', () => {
    expect(planDemo(none, {})).toEqual({
      clients: 1,
      duration: 30_000,
      failovers: [10_000],
      patience: 60_000,
    });
  });

  it('is what the options say, else the variables', () => {
    const env = {
      PG_AUTOCTL_DEMO_CLIENTS: '4',
      PG_AUTOCTL_DEMO_DURATION: '2min',
      PG_AUTOCTL_DEMO_FAILOVER_FIRST: '5',
      PG_AUTOCTL_DEMO_FAILOVER_FREQ: '50',
    };
    const plan = { clients: 4, duration: 120_000, failovers: [5000, 55_000, 105_000], patience: 60_000 };
    expect(planDemo(none, env)).toEqual(plan);
    expect(planDemo({ ...none, duration: '60', wait: '0' }, env)).toEqual({
      ...plan,
      duration: 60_000,
      failovers: [5000, 55_000],
      patience: 0,
    });
    expect(planDemo({ 'no-failover': true }, env).failovers).toEqual([]);
  });

  it.each([
    [{ clients: '0' }, /^--clients is "0", which must be a whole number from 1 to 1000\.$/],
    [{ duration: 'soon' }, /^--duration is "soon", which must be a number of seconds/],
    [{ duration: '9999999999' }, /^--duration is "9999999999", which must be less than 24 days\.$/],
    [{ 'failover-freq': '0' }, /^--failover-freq must be at least a second\.$/],
    [{ 'no-failover': true, 'first-failover': '3' }, /^--no-failover and --first-failover exclude/],
  ])('refuses %j', (flags, message) => {
    expect(() => planDemo({ ...none, ...flags }, {})).toThrow(message);
  });

  it('names the variable that is wrong', () => {
    expect(() => planDemo(none, { PG_AUTOCTL_DEMO_DURATION: '-1' })).toThrow(/^PG_AUTOCTL_DEMO_DURATION is/);
  });
});
