import { expect, test } from 'vitest';
import { RestingGroups } from './resting-groups.js';

const group = (n: number) => ({ formation: 'default', group: n });

/** Has a round go over them, in which those that are read are at rest. @returns who was read */
function goRound(resting: RestingGroups, groups: readonly number[]): number[] {
  const read = groups.filter((n) => !resting.mayGlance(group(n)));
  for (const n of read) resting.note(group(n), 'at rest');
  resting.endRound();
  return read;
}

test('who is not known is read, and who rests in each third round, a third of all in each', () => {
  const resting = new RestingGroups();
  const all = Array.from({ length: 30 }, (_, n) => n);
  expect(goRound(resting, all)).toEqual(all);
  const rounds = Array.from({ length: 6 }, () => goRound(resting, all));
  for (const read of rounds) expect(read).toHaveLength(10);
  expect(rounds.slice(0, 3).flat().sort()).toEqual([...all].sort());
  expect(rounds.slice(3)).toEqual(rounds.slice(0, 3));
});

test('who was astir is read until it rests', () => {
  const resting = new RestingGroups();
  goRound(resting, [0, 1, 2]);
  resting.note(group(2), 'astir');
  expect(resting.mayGlance(group(2))).toBe(false);
  resting.note(group(2), 'astir');
  expect(resting.mayGlance(group(2))).toBe(false);
});

test('who was gone for a round is not known any more', () => {
  const resting = new RestingGroups();
  goRound(resting, [0, 1, 2]);
  goRound(resting, [0, 1]);
  expect(resting.mayGlance(group(2))).toBe(false);
});
