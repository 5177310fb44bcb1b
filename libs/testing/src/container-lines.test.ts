import { expect, it } from 'vitest';
import { cutRules } from './container-lines.js';

const rulesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.endsWith(' drop'));

it('drops what comes from those that a host hears nothing of, and what goes to those that hear nothing of it', () => {
  const cuts = { senders: new Set(['198.18.0.2']), receivers: new Set(['198.18.0.1']), isIsolated: false };
  expect(rulesOf(cutRules(cuts))).toEqual(['ip saddr 198.18.0.2 drop', 'ip daddr 198.18.0.1 drop']);
});

it('drops everything but what a host says to itself where it is isolated, and nothing where nothing is cut', () => {
  const none = { senders: new Set<string>(), receivers: new Set<string>() };
  expect(rulesOf(cutRules({ ...none, isIsolated: true }))).toEqual([
    'iifname != "lo" drop',
    'oifname != "lo" drop',
  ]);
  expect(rulesOf(cutRules({ ...none, isIsolated: false }))).toEqual([]);
});
