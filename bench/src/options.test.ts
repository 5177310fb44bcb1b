import { expect, it } from 'vitest';
import { parseOptions } from './options.js';

const KNOWN = { measurements: ['switchover', 'node'], systems: ['pgaf', 'patroni'] };
const parse = (...args: string[]) => parseOptions(['--pgctl', '/pg_ctl', ...args], KNOWN);

it('measures everything on all that is there unless told', () => {
  expect(parse()).toEqual({
    pgctl: '/pg_ctl',
    runs: 5,
    peerRuns: 3,
    only: null,
    systems: null,
    json: 'reports/bench.json',
  });
  expect(parse('--only', 'node, switchover', '--systems', 'patroni', '--peer-runs', '1')).toMatchObject({
    only: ['node', 'switchover'],
    systems: ['patroni'],
    peerRuns: 1,
  });
});

it('refuses a flag that means nothing, and says what it takes', () => {
  expect(() => parse('--only', 'swichover')).toThrow('"swichover"; it takes switchover, node.');
  expect(() => parse('--systems', '')).toThrow('it takes pgaf, patroni.');
  expect(() => parse('--runs', '0')).toThrow('--runs is a whole number');
  expect(() => parse('--runs', 'many')).toThrow('"many"');
  expect(() => parse('--quick')).toThrow("'--quick'");
  expect(() => parse('--into', 'README.md')).toThrow('--markdown');
});

it('prints a report without measuring, and tells its flags', () => {
  expect(parse('--markdown', 'a.json', '--into', 'README.md')).toEqual({
    markdown: 'a.json',
    into: 'README.md',
  });
  expect(parse('--help')).toMatchObject({ help: expect.stringMatching(/switchover, node[^]*pgaf, patroni/) });
});
