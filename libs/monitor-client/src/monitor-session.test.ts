import { parseConnInfo } from '@pgaf/conninfo/conninfo';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { beginSession } from './begin-session.js';
import { MonitorSession, type MonitorSessionOptions } from './monitor-session.js';
import { TestPostgres, until } from './testing/test-postgres.js';

let postgres: TestPostgres;
const sessions: MonitorSession[] = [];
const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined };

beforeAll(async () => {
  postgres = await TestPostgres.create();
});

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

afterAll(async () => {
  await postgres?.destroy();
});

function open(more: Partial<MonitorSessionOptions> = {}): MonitorSession {
  const options = { conninfo: parseConnInfo(postgres.uri), applicationName: 'test', logger, ...more };
  const session = new MonitorSession(options);
  sessions.push(session);
  return session;
}

test('calls share one connection that stays open', async () => {
  const session = open();
  const pid = () => session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const [first, second] = await Promise.all([pid(), pid()]);
  expect(await pid()).toEqual(first);
  expect(second).toEqual(first);
});

test('a refusal carries what the server said and leaves the connection as it is', async () => {
  const session = open();
  const [before] = await session.query('SELECT pg_backend_pid() AS pid');
  const refusal = session.query(
    `DO $$ BEGIN RAISE 'no' USING ERRCODE = '55006', DETAIL = 'because', HINT = 'do this'; END $$`,
  );
  await expect(refusal).rejects.toMatchObject({
    message: 'no',
    exit: 6,
    code: 'monitor-refused',
    sqlstate: '55006',
    detail: 'because',
    hint: 'do this',
  });
  expect(await session.query('SELECT pg_backend_pid() AS pid')).toEqual([before]);
});

test('a session that another one has taken the place of is given up', async () => {
  const session = open();
  const [before] = await session.query('SELECT pg_backend_pid() AS pid');
  const refusal = session.query(`DO $$ BEGIN RAISE 'late' USING ERRCODE = 'PA004'; END $$`);
  await expect(refusal).rejects.toMatchObject({ sqlstate: 'PA004', mayMendItself: true });
  expect(await session.query('SELECT pg_backend_pid() AS pid')).not.toEqual([before]);
});

test('a session begins once for each connection, and without that where the monitor knows of no beginnings', async () => {
  const root = open();
  await root.query('CREATE SCHEMA pgautofailover');
  const ask = (session: MonitorSession) =>
    session.queryPrepared(beginSession(7), 'SELECT pg_backend_pid() AS pid', [], 5000);
  const older = open();
  expect(await ask(older)).toEqual(await older.query('SELECT pg_backend_pid() AS pid'));

  await root.query('CREATE TABLE begun (node bigint, pid int)');
  await root.query(`CREATE FUNCTION pgautofailover.begin_session(bigint) RETURNS void LANGUAGE sql
                    AS 'INSERT INTO begun VALUES ($1, pg_backend_pid())'`);
  const session = open();
  const [first] = await ask(session);
  expect(await ask(session)).toEqual([first]);
  await session.query(`DO $$ BEGIN RAISE 'late' USING ERRCODE = 'PA004'; END $$`).catch(() => undefined);
  const [second] = await ask(session);
  expect(await root.query('SELECT pid, node::int FROM begun')).toEqual([
    { ...first, node: 7 },
    { ...second, node: 7 },
  ]);
});

test('the second host serves when the first one is down', async () => {
  const uri = postgres.uri.replace('127.0.0.1:', `127.0.0.1:${await freePort()},127.0.0.1:`);
  const session = open({ conninfo: parseConnInfo(uri) });
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a monitor that cannot be reached is an error with exit 6 that names the host', async () => {
  const port = await freePort();
  const session = open({ conninfo: parseConnInfo(`postgres://nobody@127.0.0.1:${port}/x?sslmode=disable`) });
  await expect(session.query('SELECT 1')).rejects.toMatchObject({
    exit: 6,
    code: 'cannot-connect',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
});

test('a statement that takes too long is given up', async () => {
  const session = open({ statementTimeoutMs: 50 });
  await expect(session.query('SELECT pg_sleep(10)')).rejects.toMatchObject({ sqlstate: '57014' });
});

test('who listens hears what is announced, and comes back after a restart of the server', async () => {
  const session = open();
  const heard: string[] = [];
  let connections = 0;
  session.onConnected(() => connections++);
  session.listen('news', (payload) => heard.push(payload));
  await until('it is connected', () => connections === 1);
  const other = open();
  await other.query(`SELECT pg_notify('news', 'first')`);
  await until('the first is heard', () => heard.includes('first'));

  await postgres.stop();
  await expect(other.query('SELECT 1')).rejects.toMatchObject({ exit: 6 });
  await postgres.start();
  await until('it is connected again', () => connections === 2);
  await until('a notification is heard again', async () => {
    await other.query(`SELECT pg_notify('news', 'second')`).catch(() => undefined);
    return heard.includes('second');
  });
});

test('a closed session makes no connection any more', async () => {
  const session = open();
  await session.query('SELECT 1');
  await session.close();
  await expect(session.query('SELECT 1')).rejects.toMatchObject({ code: 'closed' });
});

test('a session with a server that is frozen closes nevertheless', async () => {
  const session = open();
  const [row] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  process.kill(pidOf(row), 'SIGSTOP');
  try {
    let closed = false;
    void session.close().then(() => (closed = true));
    await until('it is closed', () => closed, 3000);
  } finally {
    process.kill(pidOf(row), 'SIGCONT');
  }
});
