import { expect, test } from 'vitest';
import { KnownAssignment } from './known-assignment.js';
import type { AssignmentJson, NodeActiveRow } from './reports.js';

const assignment = { epoch: 3 } as AssignmentJson;

function answer(what: Pick<NodeActiveRow, 'assignment' | 'version'>): NodeActiveRow {
  return { goal: 'primary', priority: 50, quorum: true, ...what };
}

test('what was sent in full is not asked for again, for a while', () => {
  const known = new KnownAssignment();
  expect(known.toReport(0)).toBeNull();
  expect(known.complete(answer({ assignment, version: '7' }))).toBe(assignment);
  expect(known.toReport(1000)).toBe('7');
  expect(known.complete(answer({ assignment: null, version: '7' }))).toBe(assignment);
  expect(known.toReport(60_000)).toBeNull();
  expect(known.toReport(61_000)).toBe('7');
});

test('after news everything is asked for, also when they come while an answer is on its way', () => {
  const known = new KnownAssignment();
  known.toReport(0);
  known.outdate();
  known.complete(answer({ assignment, version: '7' }));
  expect(known.toReport(1)).toBeNull();
});

test('an answer of a version that was never sent is refused', () => {
  const known = new KnownAssignment();
  known.complete(answer({ assignment, version: '7' }));
  expect(() => known.complete(answer({ assignment: null, version: '8' }))).toThrow(
    'The monitor answered with no assignment.',
  );
});
