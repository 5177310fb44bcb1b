import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STATES, canTakeWrites } from '@pgaf/core/states';
import { acceptOrder, type Order, type Sworn } from './accept.js';

const SELF = 1;

const sworn: fc.Arbitrary<Sworn> = fc.record({
  nodeId: fc.constant(SELF),
  epoch: fc.nat(6),
  promised: fc.nat(7),
  stopped: fc.option(fc.record({ belowEpoch: fc.nat(7) })),
  goal: fc.constantFrom(...STATES),
});

const order: fc.Arbitrary<Order> = fc.record({
  epoch: fc.nat(7),
  goal: fc.constantFrom(...STATES),
  leader: fc.option(fc.nat(3)),
});

test('an accepted order breaks nothing that was sworn', () => {
  fc.assert(
    fc.property(sworn, order, (before, asked) => {
      const verdict = acceptOrder(before, asked);
      if (verdict.tag === 'refused') return;
      expect(verdict.state).toEqual({ ...before, ...asked });
      expect(asked.epoch).toBeGreaterThanOrEqual(before.epoch);
      if (['catchingup', 'secondary'].includes(asked.goal)) {
        expect(asked.epoch).toBeGreaterThanOrEqual(before.promised);
      }
      if (canTakeWrites(asked.goal)) {
        expect(asked.leader).toBe(SELF);
        expect(asked.epoch).toBeGreaterThanOrEqual(
          Math.max(before.promised, before.stopped?.belowEpoch ?? 0),
        );
      }
    }),
  );
});

test('an order that keeps every word is never refused', () => {
  fc.assert(
    fc.property(sworn, order, (before, asked) => {
      const epoch = Math.max(before.epoch, before.promised, before.stopped?.belowEpoch ?? 0);
      expect(acceptOrder(before, { ...asked, epoch, leader: SELF }).tag).toBe('accepted');
    }),
  );
});

test('a node that stopped in this epoch may be told to stop again, and to follow the next', () => {
  const stopped: Sworn = {
    nodeId: SELF,
    epoch: 1,
    promised: 0,
    stopped: { belowEpoch: 2 },
    goal: 'draining',
  };
  expect(acceptOrder(stopped, { epoch: 1, goal: 'demoted', leader: SELF }).tag).toBe('accepted');
  expect(acceptOrder(stopped, { epoch: 1, goal: 'primary', leader: SELF })).toEqual({
    tag: 'refused',
    reason: 'will not take writes below epoch 2, asked to in epoch 1',
  });
  expect(acceptOrder(stopped, { epoch: 2, goal: 'catchingup', leader: 2 }).tag).toBe('accepted');
  expect(acceptOrder(stopped, { epoch: 2, goal: 'primary', leader: SELF }).tag).toBe('accepted');
});
