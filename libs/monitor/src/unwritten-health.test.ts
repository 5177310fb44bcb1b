import { expect, test } from 'vitest';
import { UnwrittenHealth } from './unwritten-health.js';

const good = (node: number) => ({ node, health: 'good', refused: false, reason: 'connected' }) as const;
const bad = (node: number) => ({ node, health: 'bad', refused: true, reason: 'refused' }) as const;

test('what changed goes first, and by itself', () => {
  const unwritten = new UnwrittenHealth();
  unwritten.put(good(1), 'unchanged');
  unwritten.put(bad(2), 'changed');
  unwritten.put(bad(3), 'changed');
  expect(unwritten.take('quiet')).toEqual([bad(2), bad(3)]);
  expect(unwritten.take('quiet')).toEqual([good(1)]);
  expect(unwritten.take('quiet')).toEqual([]);
});

test('what only shows that checks go on waits for a decision; what changed does not', () => {
  const unwritten = new UnwrittenHealth();
  unwritten.put(good(1), 'unchanged');
  expect(unwritten.take('news')).toEqual([]);
  unwritten.put(bad(2), 'changed');
  expect(unwritten.take('news')).toEqual([bad(2)]);
  expect(unwritten.take('quiet')).toEqual([good(1)]);
});

test('what did not change is written a piece at a time, each node once', () => {
  const unwritten = new UnwrittenHealth();
  for (let node = 0; node < 120; node++) unwritten.put(good(node), 'unchanged');
  const pieces = [unwritten.take('quiet'), unwritten.take('quiet'), unwritten.take('quiet')];
  expect(pieces.map(({ length }) => length)).toEqual([50, 50, 20]);
  expect(new Set(pieces.flat().map(({ node }) => node)).size).toBe(120);
  expect(unwritten.take('quiet')).toEqual([]);
});

test('of each node the latest is written', () => {
  const unwritten = new UnwrittenHealth();
  unwritten.put(good(1), 'unchanged');
  unwritten.put(bad(1), 'changed');
  expect(unwritten.take('quiet')).toEqual([bad(1)]);
  expect(unwritten.take('quiet')).toEqual([]);
  unwritten.put(bad(1), 'changed');
  unwritten.put(good(1), 'unchanged');
  expect(unwritten.take('news')).toEqual([good(1)]);
});

test('what could not be written comes again, unless more is known by now', () => {
  const unwritten = new UnwrittenHealth();
  unwritten.giveBack(bad(1));
  expect(unwritten.take('news')).toEqual([bad(1)]);
  unwritten.put(good(1), 'changed');
  unwritten.giveBack(bad(1));
  expect(unwritten.take('news')).toEqual([good(1)]);
});
