import { expect, test } from 'vitest';
import { faultsOfRules, unreachableGoals } from './checks.js';
import { baseEdgeTable, edgeKey, spliceEdges } from './edge-table.js';
import { baseRuleBook, spliceRules } from './rule-book.js';
import type { MonitorRule } from './vocabulary.js';

const book = baseRuleBook();
const edges = baseEdgeTable();

const row = (id: string, more: Partial<MonitorRule> = {}): MonitorRule => ({
  id,
  about: 'follower',
  subject: { converged: ['catchingup'] },
  assign: { subject: 'secondary' },
  because: 'a test says so',
  ...more,
});

test('the tables are sound', () => {
  expect(faultsOfRules(book)).toEqual([]);
  expect(unreachableGoals(book, edges)).toEqual([]);
});

test('a goal that no edge leads to is found', () => {
  const stray = row('stray', { assign: { subject: 'fast_forward' } });
  expect(unreachableGoals({ ...book, rules: [stray] }, edges)).toEqual([
    expect.stringContaining('fast_forward to a node in catchingup'),
  ]);
});

test.each<[string, readonly MonitorRule[], RegExp]>([
  ['an id twice', [row('a'), row('a', { subject: { converged: ['demoted'] } })], /two rules have the id "a"/],
  ['an unknown guard', [row('a', { guards: ['moon'] })], /the guard "moon", which does not exist/],
  ['a row that changes nothing', [row('a', { assign: {} })], /changes nothing/],
  [
    'a shadowed row',
    [row('a'), row('b', { guards: ['alone'] })],
    /"b" can never match: "a" stands before it/,
  ],
])('%s is refused', (_case, rules, message) => {
  expect(faultsOfRules({ ...book, rules }).join()).toMatch(message);
});

test('a plugin splices rules in at an anchor', () => {
  const spliced = spliceRules(book, {
    guards: { moon: () => false },
    rulePatches: [
      { insertBefore: 'standby.ready', rules: [row('mine.first', { guards: ['moon'] })] },
      { disable: 'leader.asynchronous' },
    ],
  });
  const ids = spliced.rules.map((rule) => rule.id);
  expect(ids.indexOf('mine.first')).toBe(ids.indexOf('standby.ready') - 1);
  expect(ids).not.toContain('leader.asynchronous');
  expect(() => spliceRules(book, { rulePatches: [{ disable: 'no.such' }] })).toThrow(/no rule "no.such"/);
  expect(() => spliceRules(book, { guards: { alone: () => true } })).toThrow(/guard "alone" exists already/);
});

test('a plugin adds steps to an edge, for the roles that it names', () => {
  const patch = {
    from: 'prepare_promotion',
    to: 'wait_primary',
    roles: ['spoke'],
    place: 'after',
    steps: [{ do: 'plugin', kind: 'paired', step: 'announce' }],
  } as const;
  const key = edgeKey('prepare_promotion', 'wait_primary');
  expect(spliceEdges(edges, [patch], 'spoke').get(key)?.steps.at(-1)).toEqual(patch.steps[0]);
  expect(spliceEdges(edges, [patch], 'hub').get(key)).toEqual(edges.get(key));
  expect(() => spliceEdges(edges, [{ ...patch, from: 'maintenance' }], 'spoke')).toThrow(/no edge/);
  const inside = { ...patch, from: 'primary', to: 'draining', place: 'before', of: 'stopPostgres' } as const;
  const steps = spliceEdges(edges, [inside], 'spoke').get(edgeKey('primary', 'draining'))?.steps;
  expect(steps?.map((step) => step.do)).toEqual([
    ...['checkpoint', 'verifyTarget', 'plugin', 'stopPostgres', 'recordStop'],
  ]);
  expect(() => spliceEdges(edges, [{ ...inside, of: 'initdb' }], 'spoke')).toThrow(/no step initdb/);
});
