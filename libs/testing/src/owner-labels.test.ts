import { expect, it } from 'vitest';
import { here, isOfTheDead, labelsOf, type Here } from './owner-labels.js';

const HOUR = 3_600_000;

/** A place where this process, alone, is, and started at 100. */
const place: Here = {
  namespace: 'boot pid:[1]',
  now: Date.UTC(2026, 0, 1),
  startOf: (pid) => (pid === process.pid ? 100 : null),
};
const labels = labelsOf('pgaf-1', place);

it('leaves what a living process made', () => {
  expect(isOfTheDead(labels, place)).toBe(false);
  expect(isOfTheDead(labels, { ...place, now: place.now + 100 * HOUR })).toBe(false);
  expect(isOfTheDead(labelsOf('pgaf-1'), here())).toBe(false);
});

it('sweeps what a process made that is gone, or whose number another one has', () => {
  expect(isOfTheDead(labels, { ...place, startOf: () => null })).toBe(true);
  expect(isOfTheDead(labels, { ...place, startOf: () => 101 })).toBe(true);
});

it('sweeps by age alone what was made where its numbers are not known, as in another container', () => {
  const elsewhere: Here = { ...place, namespace: 'boot pid:[2]', startOf: () => null };
  expect(isOfTheDead(labels, { ...elsewhere, now: place.now + 5 * HOUR })).toBe(false);
  expect(isOfTheDead(labels, { ...elsewhere, now: place.now + 7 * HOUR })).toBe(true);
});

it('leaves what says nothing of when it was made', () => {
  expect(isOfTheDead({ 'org.pgaf.owner': '1' }, place)).toBe(false);
});
