import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Turns } from './turns.js';

test('each piece of work begins when the one before it has ended, also in a failure', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const work = (name: string, outcome: () => string) => async () => {
    seen.push(`${name} begins`);
    await sleep(5);
    seen.push(`${name} ends`);
    return outcome();
  };
  const broken = () => {
    throw new Error('broken');
  };
  const first = turns.take(work('a', broken));
  const second = turns.take(work('b', () => 'done'));
  await expect(first).rejects.toThrow('broken');
  expect(await second).toBe('done');
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});
