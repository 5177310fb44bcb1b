import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMonitor } from './create.js';
import { TestMonitor } from './testing/test-monitor.js';

let monitor: TestMonitor;
let node: pg.Client;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  node = await monitor.connect();
});

afterAll(async () => {
  await monitor?.destroy();
});

async function sqlStateOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? '') : String(error)),
  );
}

test.each([
  // The lock of the service.
  'SELECT pg_advisory_lock(1885823334, 1)',
  'SELECT pg_try_advisory_lock_shared(1885823334, 1)',
  'SELECT pg_try_advisory_xact_lock(1)',
  'CREATE TABLE public.t ()',
  'CREATE TABLE pgautofailover.t ()',
  'CREATE TEMP TABLE t ()',
  'CREATE SCHEMA s',
  'SELECT lo_create(0)',
  `INSERT INTO pgautofailover.formation (formationid) VALUES ('x')`,
  `UPDATE pgautofailover.node SET goalstate = 'single'`,
  'DELETE FROM pgautofailover.command',
  'TRUNCATE pgautofailover.event',
  `SELECT nextval('pgautofailover.node_nodeid_seq')`,
  `SELECT pgautofailover_private.withdraw_command(1)`,
  `SELECT pgautofailover_private.dblink('', 'SELECT 1')`,
  `SELECT pg_read_file('/etc/passwd')`,
  `COPY (SELECT 1) TO PROGRAM 'true'`,
  'SELECT * FROM pg_authid',
  'ALTER ROLE autoctl_node SUPERUSER',
  'SET ROLE autoctl',
])('a node may not: %s', async (statement) => {
  expect(await sqlStateOf(node.query(statement))).toBe('42501');
});

test('a node may read what its commands read', async () => {
  const { rows } = await node.query<{ table: string }>(
    `SELECT oid::regclass::text AS table FROM pg_class
      WHERE relnamespace = 'pgautofailover'::regnamespace AND relkind IN ('r', 'v')`,
  );
  expect(rows.length).toBeGreaterThan(5);
  for (const { table } of rows)
    expect(await sqlStateOf(node.query(`SELECT FROM ${table}`)), table).toBe('done');
  const functions = await node.query<{ name: string; open: boolean }>(
    `SELECT oid::regprocedure::text AS name, has_function_privilege('autoctl_node', oid, 'EXECUTE') AS open
       FROM pg_proc WHERE pronamespace = 'pgautofailover'::regnamespace`,
  );
  expect(functions.rows.filter(({ open }) => !open)).toEqual([]);
});

test('a role without rights gets in nowhere', async () => {
  const root = await monitor.connectAsSuperuser();
  await root.query('CREATE ROLE nobody_special LOGIN');
  const { rows } = await root.query<{ connect: boolean; functions: string }>(
    `SELECT has_database_privilege('nobody_special', current_database(), 'CONNECT') AS connect,
            (SELECT count(*) FROM pg_proc WHERE pronamespace = 'pgautofailover'::regnamespace
                AND has_function_privilege('nobody_special', oid, 'EXECUTE')) AS functions`,
  );
  expect(rows).toEqual([{ connect: false, functions: '0' }]);
});

test('over TCP only nodes come in, and over the socket each user of the system as itself', async () => {
  const { superuser, socketDirectory } = monitor.options;
  expect(await sqlStateOf(monitor.connect(superuser))).not.toBe('done');
  expect(await sqlStateOf(monitor.connect('autoctl', socketDirectory))).toBe('28000');
  expect(await sqlStateOf(monitor.connect('autoctl_node', socketDirectory))).toBe('28000');
  expect(await sqlStateOf(monitor.connectAsSuperuser())).toBe('done');
});

test('the password of the nodes is set, and no log has it', async () => {
  const { options } = monitor;
  await createMonitor({ ...options, authMethod: 'scram-sha-256', password: 'first word' });
  await createMonitor({ ...options, authMethod: 'scram-sha-256', password: 'other word' });
  const root = await monitor.connectAsSuperuser();
  await root.query('SELECT pg_reload_conf()');
  const login = (password: string) => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: options.port,
      user: 'autoctl_node',
      database: 'pg_auto_failover',
      password,
    });
    client.on('error', () => undefined);
    return sqlStateOf(client.connect().then(() => client.end()));
  };
  await expect.poll(() => login('first word'), { timeout: 20_000 }).toBe('28P01');
  expect(await login('other word')).toBe('done');
  const logs = join(options.pgdata, 'log');
  const texts = await Promise.all((await readdir(logs)).map((name) => readFile(join(logs, name), 'utf8')));
  expect(texts.join('')).toContain('ALTER ROLE autoctl_node');
  expect(texts.join('')).not.toMatch(/first word|other word/);
});
