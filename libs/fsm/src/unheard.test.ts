import { expect, test } from 'vitest';
import { groupFixture, type GroupFixture, type NodeFixture } from './group-fixture.js';
import { mustBeUnheard } from './unheard.js';

const STOPPED = { epoch: 1, stopped: { belowEpoch: 2, finalLsn: 1000n } };

function unheard(leader: Partial<NodeFixture>, more: Partial<GroupFixture> = {}): readonly number[] {
  const before = groupFixture({
    nodes: [
      { id: 1, reported: 'draining', running: false, ...leader },
      { id: 2, reported: 'secondary' },
    ],
    ...more,
  });
  return mustBeUnheard(before, { ...before, epoch: before.epoch + 1, leader: 2 });
}

test('who takes over, and a leader that may take writes, must not report before the order is committed', () => {
  expect(unheard({ reported: 'primary', running: true })).toEqual([1, 2]);
});

test('a leader that says again that it has stopped voids nothing', () => {
  expect(unheard({ facts: STOPPED })).toEqual([2]);
});

test('an oath of an epoch before is none', () => {
  expect(unheard({ facts: { ...STOPPED, stopped: { belowEpoch: 1, finalLsn: 1000n } } })).toEqual([1, 2]);
});

test('to hear of a stopped leader is news where it was silent, or on its way out', () => {
  expect(unheard({ facts: STOPPED, silentFor: 60 })).toEqual([1, 2]);
  expect(unheard({ facts: { ...STOPPED, leaving: true } })).toEqual([1, 2]);
  expect(unheard({ facts: { ...STOPPED, doomed: true } })).toEqual([1, 2]);
});

test('a monitor that was restored believes no oath by an epoch that it may have forgotten', () => {
  expect(unheard({ facts: STOPPED }, { restored: true })).toEqual([1, 2]);
});

test('a leader that opens again must not report either', () => {
  const before = groupFixture({ nodes: [{ id: 1, reported: 'draining', running: false, facts: STOPPED }] });
  expect(mustBeUnheard(before, { ...before, epoch: 2 })).toEqual([1]);
});

test('where nobody led, it is about who takes over alone', () => {
  expect(unheard({ reported: 'demoted' }, { leader: null })).toEqual([2]);
});
