import { expect, test } from 'vitest';
import { leaseAnswered, leaseEnd, leaseRenewed, leaseReported, newestWitnessed } from './held-lease.js';

const none = { length: null, renewedAt: 100 };

test('a lease holds from the moment that a report may have told the monitor of it', () => {
  expect(leaseEnd(none)).toBeNull();
  expect(leaseEnd(leaseReported(none, 4000))).toBe(4100);
});

test('it is given up, or longer, only when the monitor has answered that report', () => {
  const held = { length: 4000, renewedAt: 100 };
  expect(leaseReported(held, null).length).toBe(4000);
  expect(leaseReported(held, 9000).length).toBe(4000);
  expect(leaseReported(held, 3000).length).toBe(3000);
  expect(leaseAnswered(leaseReported(held, null), null).length).toBeNull();
  expect(leaseAnswered(leaseReported(held, 9000), 9000).length).toBe(9000);
});

test('an answer that comes late renews nothing that was renewed since', () => {
  expect(leaseRenewed({ length: 4000, renewedAt: 900 }, 500).renewedAt).toBe(900);
});

const messages = [
  { writtenAt: 10, lsn: 100n },
  { writtenAt: 20, lsn: 200n },
];
const flushed = (...positions: [number, bigint][]) => new Map(positions);

test('the newest message counts that as many members have flushed as a commit needs', () => {
  const setting = { required: 1, members: [2, 3] };
  expect(newestWitnessed(messages, flushed([2, 150n], [3, 50n]), setting)).toBe(10);
  expect(newestWitnessed(messages, flushed([2, 150n], [3, 200n]), setting)).toBe(20);
  expect(newestWitnessed(messages, flushed([2, 99n]), setting)).toBeNull();
});

test('two that are needed must both have it, and others do not count', () => {
  const setting = { required: 2, members: [2, 3] };
  expect(newestWitnessed(messages, flushed([2, 500n]), setting)).toBeNull();
  expect(newestWitnessed(messages, flushed([2, 500n], [4, 500n]), setting)).toBeNull();
  expect(newestWitnessed(messages, flushed([2, 500n], [3, 199n]), setting)).toBe(10);
});

test('a setting that needs nobody proves nothing', () => {
  expect(newestWitnessed(messages, flushed([2, 500n]), { required: 0, members: [] })).toBeNull();
});
