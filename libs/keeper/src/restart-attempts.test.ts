import { expect, test } from 'vitest';
import {
  NO_ATTEMPTS,
  STEADY_AFTER,
  mayMendItself,
  pauseBeforeStart,
  postgresIsDown,
  postgresIsUp,
  postmasterDied,
  startFailed,
  startImpossible,
} from './restart-attempts.js';

test('a node is called down after three failed starts, which follow each other without a pause', () => {
  let attempts = postgresIsDown(NO_ATTEMPTS, 1000);
  for (const failed of [1, 2]) {
    expect(pauseBeforeStart(attempts)).toBe(0);
    attempts = startFailed(attempts, 1100);
    expect(attempts.failed).toBe(failed);
    expect(mayMendItself(attempts, 1100)).toBe(true);
  }
  attempts = startFailed(attempts, 1200);
  expect(mayMendItself(attempts, 1200)).toBe(false);
  expect(pauseBeforeStart(attempts)).toBeGreaterThan(0);
});

test('a recovery that lasts is not hidden for ever', () => {
  const attempts = postgresIsDown(postgresIsDown(NO_ATTEMPTS, 1000), 15_000);
  expect(mayMendItself(attempts, 20_999)).toBe(true);
  expect(mayMendItself(attempts, 21_000)).toBe(false);
});

type Event = readonly ['up' | 'died', ranFor: number] | readonly ['failed'];
const SOON = STEADY_AFTER - 1;

test.each<{ what: string; events: readonly Event[]; failed: number; mends: boolean }>([
  {
    what: 'a single death soon after a start',
    events: [['died', SOON]],
    failed: 1,
    mends: true,
  },
  {
    what: 'a death long after the start, which says nothing of the start',
    events: [['died', STEADY_AFTER]],
    failed: 0,
    mends: true,
  },
  {
    what: 'a start that held for a moment is not forgiven the attempts before it',
    events: [['failed'], ['failed'], ['up', 0], ['up', SOON]],
    failed: 2,
    mends: true,
  },
  {
    what: 'three deaths, each soon after a start that succeeded',
    events: [
      ['died', STEADY_AFTER],
      ['up', 0],
      ['died', 5],
      ['up', 0],
      ['died', 5],
      ['up', 0],
      ['died', 5],
    ],
    failed: 3,
    mends: false,
  },
  {
    what: 'failed starts and early deaths together',
    events: [['failed'], ['up', 0], ['died', 5], ['failed']],
    failed: 3,
    mends: false,
  },
  {
    what: 'three early deaths, and then a start that holds',
    events: [
      ['died', 5],
      ['died', 5],
      ['died', 5],
      ['up', STEADY_AFTER],
    ],
    failed: 0,
    mends: true,
  },
  {
    what: 'early deaths with a steady time between',
    events: [
      ['died', 5],
      ['died', 5],
      ['died', STEADY_AFTER],
      ['up', 0],
      ['died', 5],
    ],
    failed: 1,
    mends: true,
  },
])('counts $what', ({ events, failed, mends }) => {
  const attempts = events.reduce((before, event) => {
    switch (event[0]) {
      case 'up':
        return postgresIsUp(before, event[1]);
      case 'died':
        return postmasterDied(before, event[1], 1000);
      case 'failed':
        return startFailed(before, 1000);
    }
  }, NO_ATTEMPTS);
  expect(attempts.failed).toBe(failed);
  expect(mayMendItself(attempts, 1000)).toBe(mends);
});

test('a node that has nothing to start is called down at once, and is tried slowly', () => {
  const attempts = startImpossible(postgresIsDown(NO_ATTEMPTS, 1000), 1100);
  expect(mayMendItself(attempts, 1100)).toBe(false);
  expect(pauseBeforeStart(attempts)).toBeGreaterThan(0);
  expect(startImpossible(attempts, 1200)).toEqual(attempts);
});
