import { expect, test } from 'vitest';
import { Round } from './round.js';

const piece = (length: number) => () =>
  Promise.resolve(Array.from({ length }, (_, group) => ({ formation: 'default', group })));

test('a round that is due waits for news, and not for ever', async () => {
  const round = new Round();
  await round.next(1000, piece(3));
  expect(round.isDue(1499, 'quiet')).toBe(false);
  expect(round.isDue(1500, 'quiet')).toBe(true);
  expect(round.isDue(1500, 'news')).toBe(false);
  expect(round.isDue(1549, 'news')).toBe(false);
  expect(round.isDue(1550, 'news')).toBe(true);
});

test('so does each further piece of it, which comes a tenth of a second after the one before', async () => {
  const round = new Round();
  await round.next(1000, piece(50));
  expect(round.isDue(1099, 'quiet')).toBe(false);
  expect(round.isDue(1100, 'quiet')).toBe(true);
  expect(round.isDue(1149, 'news')).toBe(false);
  expect(round.isDue(1150, 'news')).toBe(true);
  await round.next(1150, piece(50));
  expect(round.isDue(1249, 'quiet')).toBe(false);
  expect(round.isDue(1250, 'quiet')).toBe(true);
});

test('groups that take longer than half a second begin anew as soon as the last of them is done', async () => {
  const round = new Round();
  for (let now = 1000; now < 1700; now += 100) await round.next(now, piece(50));
  expect(round.isDue(1699, 'quiet')).toBe(false);
  await round.next(1700, piece(3));
  expect(round.isDue(1701, 'quiet')).toBe(true);
});
