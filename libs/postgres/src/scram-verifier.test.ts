import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { writeHbaRules } from './hba.js';
import { reloadAndWait } from './reload.js';
import { ensureReplicationPassword, ensureReplicationRole, REPLICATION_ROLE } from './roles.js';
import { fitsVerifier, scramVerifier } from './scram-verifier.js';
import { newPrimary, type TestServer } from './testing/servers.js';

async function stored(one: TestServer): Promise<string> {
  const [row] = await one.client.query<{ stored: string }>(
    'SELECT rolpassword AS stored FROM pg_authid WHERE rolname = $1',
    [REPLICATION_ROLE],
  );
  return row?.stored ?? '';
}

async function logIn(one: TestServer, password: string): Promise<string> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: one.server.port,
    user: REPLICATION_ROLE,
    database: 'postgres',
    password,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return 'in';
  } catch (error) {
    return (error as pg.DatabaseError).code ?? String(error);
  }
}

test.each([
  'plain',
  "it's: a \\ secret",
  'na\u00EFve\u00A0caf\u0065\u0301',
  'og\u1680ham zero\u200Bwidth',
  'soft\u00ADhyphen \u2060joined\uFEFF',
])('Postgres stores the same, and lets in by it: %s', async (password) => {
  const one = await newPrimary();
  await one.client.query(`ALTER ROLE ${REPLICATION_ROLE} PASSWORD ${pg.escapeLiteral(password)}`);
  expect(fitsVerifier(await stored(one), password)).toBe(true);
  expect(fitsVerifier(await stored(one), `${password}!`)).toBe(false);
  await one.client.query(`ALTER ROLE ${REPLICATION_ROLE} PASSWORD '${scramVerifier(password)}'`);
  for (const method of ['scram-sha-256', 'md5', 'password']) {
    const rule = { type: 'host', database: 'all', user: REPLICATION_ROLE, address: '127.0.0.1' } as const;
    await writeHbaRules(one.pgdata, [{ ...rule, method }]);
    await reloadAndWait(one.client, one.server);
    expect(await logIn(one, password), method).toBe('in');
    expect(await logIn(one, 'wrong'), method).toBe('28P01');
  }
});

test('a verifier has a salt of its own and the iterations of Postgres, and is compared by those that are stored', () => {
  const one = scramVerifier('x');
  expect(one).toMatch(/^SCRAM-SHA-256\$4096:/);
  expect(scramVerifier('x')).not.toBe(one);
  const other = scramVerifier('x', Buffer.from('sixteen bytes it'), 5000);
  expect(other).toMatch(/^SCRAM-SHA-256\$5000:/);
  expect(fitsVerifier(other, 'x')).toBe(true);
  expect(fitsVerifier(other, 'y')).toBe(false);
});

test('no password or another kind of one does not fit', () => {
  expect(fitsVerifier(null, 'x')).toBe(false);
  expect(fitsVerifier('md5d41d8cd98f00b204e9800998ecf8427e', 'x')).toBe(false);
});

test('a changed password is set once, and no log has it', async () => {
  const one = await newPrimary();
  await one.client.query(`ALTER SYSTEM SET log_statement = 'all'`);
  await reloadAndWait(one.client, one.server);
  await ensureReplicationRole(one.client, 'first of all');
  expect(fitsVerifier(await stored(one), 'first of all')).toBe(true);
  expect(await ensureReplicationPassword(one.client, 'second one')).toBe('changed');
  const after = await stored(one);
  expect(await ensureReplicationPassword(one.client, 'second one')).toBe('unchanged');
  expect(await stored(one)).toBe(after);
  const logs = join(one.pgdata, 'log');
  const text = (
    await Promise.all((await readdir(logs)).map((name) => readFile(join(logs, name), 'utf8')))
  ).join('');
  expect(text).toContain('ALTER ROLE');
  expect(text).not.toMatch(/first of all|second one/);
});
