import { expect, test } from 'vitest';
import { STATES, canTakeWrites, connectionOf, isState } from './states.js';

test('a node that takes writes is open for them', () => {
  for (const state of STATES) if (canTakeWrites(state)) expect(connectionOf(state)).toBe('read-write');
});

test('connections are those of the vocabulary', () => {
  expect(connectionOf('prepare_maintenance')).toBe('read-write');
  expect(connectionOf('report_lsn')).toBe('read-only');
  expect(connectionOf('draining')).toBe('none');
  expect(connectionOf('maintenance')).toBe('none');
});

test('words outside the vocabulary are no states', () => {
  expect(isState('primary')).toBe(true);
  expect(isState('leader')).toBe(false);
});
