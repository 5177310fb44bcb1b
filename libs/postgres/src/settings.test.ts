import { readFileSync } from 'node:fs';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { dataNodeSettings } from './data-node-settings.js';
import { localClient, withConnection, type QueryError } from './query.js';
import { awaitReloaded, reload, reloadAndWait } from './reload.js';
import {
  ensureDatabase,
  ensureExtensions,
  ensureMonitorRole,
  ensureReplicationRole,
  ensureRole,
} from './roles.js';
import { findSettingProblems } from './setting-findings.js';
import { settingErrors } from './setting-sources.js';
import {
  includeSettingsFiles,
  quoteSetting,
  readSettings,
  renderSettings,
  writeSettings,
} from './settings.js';
import { stopPostmaster } from './stop-postmaster.js';
import { newPrimary, start, superuser, temporaryDirectory } from './testing/servers.js';

test('quotes what Postgres reads', () => {
  expect(quoteSetting(`it's a \\ back`)).toBe(`'it''s a \\\\ back'`);
  expect(renderSettings([['port', '1']])).toMatch(/^#.*\nport = '1'\n$/);
});

test('what our files say is read back, the last of each name', async () => {
  const pgdata = await temporaryDirectory();
  const odd = `it's a \\ back\\n and\na line`;
  await writeSettings(pgdata, 'node', [
    ['work_mem', '1MB'],
    ['search_path', odd],
  ]);
  await writeSettings(pgdata, 'sync', [['work_mem', '']]);
  expect(readSettings(pgdata)).toEqual([
    ['work_mem', ''],
    ['search_path', odd],
  ]);
  await rm(pgdata, { recursive: true });
});

test('login method, TLS and plugin decide their settings', () => {
  const base = { port: 1, listenAddresses: '*', socketDirectory: '/tmp' };
  const names = new Map(
    dataNodeSettings({
      ...base,
      authMethod: 'scram-sha-256',
      ssl: { certFile: 'c', keyFile: 'k' },
      extra: [['wal_level', 'logical']],
    }),
  );
  expect(names.get('password_encryption')).toBe('scram-sha-256');
  expect(names.get('ssl_cert_file')).toBe('c');
  expect(names.get('wal_level')).toBe('logical');
  expect(new Map(dataNodeSettings(base)).has('password_encryption')).toBe(false);
});

test('our files come last', async () => {
  const one = await newPrimary();
  const conf = join(one.pgdata, 'postgresql.conf');
  await appendFile(conf, "wal_sender_timeout = '99s'\n");
  expect(await includeSettingsFiles(one.pgdata)).toBe('changed');
  expect(await includeSettingsFiles(one.pgdata)).toBe('unchanged');
  expect(await writeSettings(one.pgdata, 'node', one.settings)).toBe('unchanged');
  await reloadAndWait(one.client, one.server);
  expect(await one.client.query('SHOW wal_sender_timeout')).toEqual([{ wal_sender_timeout: '5s' }]);
  expect(await findSettingProblems(one.client, one.pgdata)).toEqual({ findings: [], includeAgain: false });
});

test('a reload is seen, a file that Postgres refuses is named', async () => {
  const one = await newPrimary();
  await writeSettings(one.pgdata, 'node', [...one.settings, ['work_mem', '7MB'], ['max_connections', '50']]);
  const since = await reload(one.client);
  await awaitReloaded(one.server, since, AbortSignal.timeout(10_000));
  expect(await one.client.query('SHOW work_mem')).toEqual([{ work_mem: '7MB' }]);
  expect(await settingErrors(one.client)).toEqual([]);
  expect(await one.client.query('SELECT name FROM pg_settings WHERE pending_restart')).toEqual([
    { name: 'max_connections' },
  ]);
  await writeFile(join(one.pgdata, 'postgresql.auto.conf'), 'this is = no setting\n');
  const refused = await reloadAndWait(one.client, one.server, AbortSignal.timeout(10_000)).catch(
    (e: unknown) => e,
  );
  expect(refused).toMatchObject({ code: 'setting-refused' });
  expect(String(refused)).toContain('postgresql.auto.conf:1');
});

test('a damaged block is refused, and the file stays', async () => {
  const one = await newPrimary();
  const conf = join(one.pgdata, 'postgresql.conf');
  const text = (await readFile(conf, 'utf8')).replace('# END pgaf', '');
  await writeFile(conf, text);
  await expect(includeSettingsFiles(one.pgdata)).rejects.toMatchObject({ code: 'marked-block-damaged' });
  expect(readFileSync(conf, 'utf8')).toBe(text);
});

test('roles, databases and extensions are created once', async () => {
  const one = await newPrimary();
  expect(await ensureReplicationRole(one.client, `it's secret`)).toBe('existing');
  expect(await ensureMonitorRole(one.client)).toBe('created');
  expect(await ensureMonitorRole(one.client)).toBe('existing');
  expect(await ensureRole(one.client, 'o"dd', 'LOGIN SUPERUSER')).toBe('created');
  expect(await ensureDatabase(one.server, 'app', 'o"dd')).toBe('created');
  expect(await ensureDatabase(one.server, 'app', superuser())).toBe('existing');
  const server = { ...one.server, database: 'app' };
  await ensureExtensions(server, ['pg_stat_statements']);
  await ensureExtensions(server, ['pg_stat_statements']);
  await withConnection(server, async (app) => {
    expect(await app.query(`SELECT extname FROM pg_extension WHERE extname LIKE 'pg_stat%'`)).toHaveLength(1);
  });
});

test('a database and an extension that take longer than a statement may are created', async () => {
  const one = await newPrimary();
  const hurried = { ...one.server, statementTimeoutMs: 200 };
  const heldUp = async (table: string, work: () => Promise<unknown>) => {
    await one.client.query(`BEGIN; LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
    let hasEnded = false;
    const worked = work()
      .catch((error: unknown) => error)
      .finally(() => (hasEnded = true));
    const waitsLong = `SELECT FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND clock_timestamp() - query_start > '1 s'`;
    await withConnection(one.server, (onlooker) =>
      vi.waitUntil(async () => hasEnded || (await onlooker.query(waitsLong)).length > 0, { timeout: 10_000 }),
    );
    await one.client.query('COMMIT');
    return worked;
  };
  expect(await heldUp('pg_database', () => ensureDatabase(hurried, 'app', superuser()))).toBe('created');
  expect(
    await heldUp('pg_extension', () => ensureExtensions(hurried, ['pg_stat_statements'])),
  ).toBeUndefined();
});

test('a connection survives its errors, and comes back after Postgres does', async () => {
  const one = await newPrimary();
  const client = localClient({ ...one.server, statementTimeoutMs: 200 });
  const [before] = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const failed = (await client.query('SELECT 1 / 0').catch((e: unknown) => e)) as QueryError;
  expect(failed).toMatchObject({ sqlState: '22012', code: 'statement-failed' });
  expect(await client.query('SELECT pg_backend_pid() AS pid')).toEqual([before]);
  await expect(client.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ sqlState: '57014' });
  await stopPostmaster(one.pgdata, { mode: 'immediate' });
  await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: 'connection-failed' });
  await start(one);
  expect(await client.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await client.close();
});
