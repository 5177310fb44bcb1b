import { expect, it } from 'vitest';
import { findBindir } from './binaries.js';
import { availableExtension, isAtLeast } from './extension-version.js';

it('finds what comes with every Postgres, and names the directory of what does not', async () => {
  const bindir = await findBindir({});
  expect(await availableExtension(bindir, 'plpgsql')).toEqual({ tag: 'available', version: '1.0' });
  expect(await availableExtension(bindir, 'no_such_extension')).toMatchObject({
    tag: 'missing',
    directory: expect.stringMatching(/extension$/),
  });
  expect(await availableExtension('/nowhere', 'plpgsql')).toEqual({ tag: 'unknown' });
});

it('compares versions by their numbers', () => {
  expect(isAtLeast('13.0-1', '11.0')).toBe(true);
  expect(isAtLeast('11.0', '11.0')).toBe(true);
  expect(isAtLeast('9.5-1', '11.0')).toBe(false);
  expect(isAtLeast('11', '11.0')).toBe(true);
  expect(isAtLeast('10.2-4', '11.0')).toBe(false);
  expect(isAtLeast('13.1devel', '13.1')).toBe(true);
  expect(isAtLeast('13.1devel', '13.2')).toBe(false);
});
