import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chooseSocketDirectory } from './socket-directory.js';
import { temporaryDirectory } from './testing/servers.js';

test('the standard directory when we may write there, else our own, unless its path is too long', async () => {
  const root = await temporaryDirectory();
  const own = join(root, 'runtime');
  expect(await chooseSocketDirectory(own, root)).toBe(root);
  expect(await chooseSocketDirectory(own, join(root, 'missing'))).toBe(own);
  const long = join(root, 'x'.repeat(100));
  await expect(chooseSocketDirectory(long, join(root, 'missing'))).rejects.toMatchObject({
    code: 'socket-path-too-long',
  });
  await rm(root, { recursive: true });
});
