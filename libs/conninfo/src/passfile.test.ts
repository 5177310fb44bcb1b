import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPassword, lookUpPassword, passfileLine } from './passfile.js';

const key = { host: 'h', port: 5432, dbname: 'db', user: 'u' };

describe('findPassword', () => {
  it.each([
    ['h:5432:db:u:pw', 'pw'],
    ['*:*:*:*:pw', 'pw'],
    ['# h:5432:db:u:no\nh:5432:db:u:pw\r\n', 'pw'],
    ['h:5433:db:u:no\nh:5432:db:x:no\nh:*:db:u:first\n*:*:*:*:second', 'first'],
    [String.raw`h:5432:db:u:a\:b\\c`, String.raw`a:b\c`],
    ['h:5432:db:u:pw:more', 'pw'],
    ['h:5432:db:u', undefined],
    ['h:5432:db:u:', undefined],
    ['::::pw', undefined],
    [String.raw`\*:5432:db:u:pw`, undefined],
    ['', undefined],
  ])('of %j is %j', (passfile, expected) => {
    expect(findPassword(passfile, key)).toBe(expected);
  });

  it('compares escaped fields', () => {
    expect(
      findPassword(String.raw`\:\:1:*:a\\b:*:pw`, { ...key, host: '::1', dbname: String.raw`a\b` }),
    ).toBe('pw');
  });
});

describe('lookUpPassword', () => {
  it('ignores a file that others can read, and says nothing of one that is missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgaf-passfile-'));
    const path = join(folder, 'pgpass');
    try {
      expect(await lookUpPassword(path, key)).toEqual({});
      await writeFile(path, '*:*:*:*:pw\n', { mode: 0o600 });
      expect(await lookUpPassword(path, key)).toEqual({ password: 'pw' });
      await chmod(path, 0o640);
      expect((await lookUpPassword(path, key)).ignored).toContain('chmod 0600');
      expect((await lookUpPassword(folder, key)).ignored).toContain('not a plain file');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

it('writes a line that it finds again', () => {
  const password = String.raw`a:b\c*`;
  const any = { host: '*', port: '*', dbname: '*', user: 'u' };
  expect(findPassword(passfileLine(any, password), key)).toBe(password);
  expect(findPassword(passfileLine({ ...any, user: 'x:u' }, password), key)).toBeUndefined();
});
