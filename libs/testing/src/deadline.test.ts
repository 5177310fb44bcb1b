import { expect, it } from 'vitest';
import { until } from './deadline.js';
import { freePorts } from '@pgaf/core/testing/free-ports';

it('returns the first answer', async () => {
  let looks = 0;
  const answer = await until({ what: 'three looks', deadlineMs: 2000, everyMs: 1 }, () =>
    ++looks === 3 ? looks : null,
  );
  expect(answer).toBe(3);
});

it('says at the deadline what was waited for, seen and thrown', async () => {
  const wait = until(
    { what: 'a server', deadlineMs: 5, everyMs: 1, seen: () => 'node_1 is demoted' },
    (): null => {
      throw new Error('refused');
    },
  );
  await expect(wait).rejects.toThrow(
    /^waited 5 ms for a server\nlast error: Error: refused\nnode_1 is demoted$/,
  );
});

it('finds ports that differ', async () => {
  expect(new Set(await freePorts(5)).size).toBe(5);
});
