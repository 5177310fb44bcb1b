import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMonitor } from './create.js';
import { migrate } from './migrate.js';
import { MIGRATIONS, SCHEMA_VERSION } from './migrations.js';
import { TestMonitor } from './testing/test-monitor.js';

let monitor: TestMonitor;

beforeAll(async () => {
  monitor = await TestMonitor.create();
});

afterAll(async () => {
  await monitor?.destroy();
});

test('migrations are numbered without a gap, and the last is the version of the schema', () => {
  expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, i) => i + 1));
  expect(MIGRATIONS.at(-1)?.version).toBe(SCHEMA_VERSION);
});

test('to create a monitor twice, or to migrate twice, changes nothing', async () => {
  const client = await monitor.connectAsSuperuser();
  expect(await migrate(client)).toEqual([]);
  await createMonitor(monitor.options);
  const { rows } = await client.query('SELECT count(*)::int AS applied FROM pgautofailover.schema_version');
  expect(rows).toEqual([{ applied: MIGRATIONS.length }]);
});

test('a monitor from before sessions had a beginning is given it, and serves a program that knows of none', async () => {
  const client = await monitor.connectAsSuperuser();
  await client.query(`DROP FUNCTION pgautofailover.begin_session, pgautofailover_private.take_session;
                      DELETE FROM pgautofailover.schema_version WHERE version = 6`);
  const before = MIGRATIONS.slice(0, 5);
  expect(await migrate(client, before)).toEqual([]);
  expect(await migrate(client)).toMatchObject([{ version: 6, name: 'sessions', breaking: false }]);
  expect(await migrate(client, before)).toEqual([]);
  const node = await monitor.connect();
  await node.query('SELECT pgautofailover.begin_session(1)');
});

test('a migration that fails leaves nothing behind', async () => {
  const client = await monitor.connectAsSuperuser();
  const broken = { version: 90, name: 'broken', breaking: false, sql: 'CREATE TABLE half (); SELECT 1/0' };
  await expect(migrate(client, [...MIGRATIONS, broken])).rejects.toMatchObject({ code: '22012' });
  const { rows } = await client.query(`SELECT to_regclass('half') AS half`);
  expect(rows).toEqual([{ half: null }]);
});

test('an older program refuses a newer breaking schema and accepts a newer one that is not', async () => {
  const client = await monitor.connectAsSuperuser();
  const added = { version: 98, name: 'added', breaking: false, sql: 'SELECT 1' };
  await migrate(client, [...MIGRATIONS, added]);
  expect(await migrate(client)).toEqual([]);
  const working = await monitor.serve();
  expect(working.log.at('warn')).toEqual([expect.stringContaining('can work with: 98 (added)')]);
  await working.stop();
  const changed = { version: 99, name: 'changed', breaking: true, sql: 'SELECT 1' };
  await migrate(client, [...MIGRATIONS, added, changed]);
  await expect(migrate(client)).rejects.toMatchObject({ code: 'schema-too-new', exit: 14 });
  const service = monitor.startService();
  expect(await service.ended).toMatchObject({ exit: 14 });
});

test('a migration that is not the one that was applied is refused, also where no hash was written down', async () => {
  const client = await monitor.connectAsSuperuser();
  await client.query('DELETE FROM pgautofailover.schema_version WHERE version > $1', [SCHEMA_VERSION]);
  expect(await migrate(client)).toEqual([]);
  const [first, ...others] = MIGRATIONS;
  if (!first) throw new Error('no migration');
  const refused = {
    code: 'schema-edited',
    exit: 14,
    message: expect.stringContaining('Migration 1 (tables)'),
    hint: expect.stringContaining('pgaf drop monitor --destroy'),
  };
  await expect(
    migrate(client, [{ ...first, sql: `${first.sql} -- edited` }, ...others]),
  ).rejects.toMatchObject(refused);
  await client.query('ALTER TABLE pgautofailover.schema_version DROP COLUMN sha256');
  await expect(migrate(client)).rejects.toMatchObject(refused);
  const service = monitor.startService();
  expect(await service.ended).toMatchObject(refused);
});
