import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatBytes, requireRoom, shortages } from './room.js';

test('what goes to one file system is counted together, less what is freed there', async () => {
  const { bavail, bsize } = await statfs(tmpdir());
  // Others write to it meanwhile.
  const most = Math.round(bavail * bsize * 0.9);
  const [data, wal] = [join(tmpdir(), 'not/there/data'), join(tmpdir(), 'not/there/wal')];
  expect(await shortages([{ path: data, bytes: most, freed: 0 }])).toEqual([]);
  const both = [
    { path: data, bytes: most, freed: 0 },
    { path: wal, bytes: most, freed: 0 },
  ];
  expect(await shortages(both)).toMatchObject([{ path: data, needed: 2 * most }]);
  expect(await shortages([...both, { path: data, bytes: 0, freed: most }])).toEqual([]);
  await expect(requireRoom('a copy', both, 'Do this.')).rejects.toMatchObject({
    code: 'no-room',
    hint: 'Do this.',
    message: expect.stringContaining(formatBytes(2 * most)) as string,
  });
});

test('sizes are told in the units of Postgres', () => {
  expect([0, 1023, 1024, 1536, 200 * 1024 ** 2, 1.25 * 1024 ** 3].map(formatBytes)).toEqual([
    '0 bytes',
    '1023 bytes',
    '1.0 kB',
    '1.5 kB',
    '200 MB',
    '1.3 GB',
  ]);
});
