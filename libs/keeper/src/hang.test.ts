import { expect, test } from 'vitest';
import { NO_HANG, notAnswered } from './hang.js';

const probe = (begunAt: number, endedAt: number, heldUpFor = 0) => ({ begunAt, endedAt, heldUpFor });

test('what lies between probes that were not answered counts', () => {
  const first = notAnswered(NO_HANG, probe(100, 2100));
  expect(first.lasted).toBe(2000);
  expect(notAnswered(first, probe(3000, 4000)).lasted).toBe(3900);
});

test('a probe whose login took its time before nothing came counts as any other', () => {
  const first = notAnswered(NO_HANG, probe(100, 2900));
  expect(notAnswered(first, probe(3900, 6700)).lasted).toBe(6600);
});

test('a probe that its keeper was late to give up does not count, nor what nobody looked at', () => {
  const first = notAnswered(NO_HANG, probe(100, 2100));
  expect(notAnswered(first, probe(3000, 6000, 1000))).toBe(first);
  expect(notAnswered(first, probe(60_000, 61_000)).lasted).toBe(3000);
});
