import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '@pgaf/core/testing/free-ports';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let client: pg.Client;
let backend: number;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  client = await monitor.connect();
  backend = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
});

afterAll(async () => {
  await monitor?.destroy();
});

function register(more: string, values: unknown[]): Promise<pg.QueryResult> {
  return client.query(
    `SELECT * FROM pgautofailover.register_node(formation_id => $1, node_host => $2, node_port => $3, dbname => $4 ${more})`,
    values,
  );
}

test('without a service a command fails at once and says what to start', async () => {
  await expect(client.query('SELECT pgautofailover.perform_failover()')).rejects.toMatchObject({
    code: '57P03',
    hint: expect.stringContaining('pgaf run'),
  });
  const { rows } = await client.query('SELECT * FROM pgautofailover.command');
  expect(rows).toEqual([]);
});

test('reading and reporting need no service', async () => {
  expect((await client.query('SELECT * FROM pgautofailover.current_state()')).rows).toEqual([]);
  const { rows } = await client.query('SELECT pgautofailover.formation_uri() AS uri');
  expect(rows[0]?.uri ?? null).toBeNull();
});

/** Holds the lock of a service that takes nothing, also where what is done meanwhile fails. */
async function besideIdleService(work: (root: pg.Client) => Promise<void>): Promise<void> {
  const root = await monitor.connectAsSuperuser();
  await root.query('SELECT pg_advisory_lock(1885823334, 1)');
  try {
    await work(root);
  } finally {
    await root.query('SELECT pg_advisory_unlock(1885823334, 1)');
  }
}

test('a command that is cancelled before it is taken is withdrawn', () =>
  besideIdleService(async (root) => {
    const failover = client
      .query('SELECT pgautofailover.perform_failover()')
      .catch((error: unknown) => error);
    await until(
      'the command waits',
      async () => (await root.query(`SELECT FROM pgautofailover.command`)).rowCount === 1,
    );
    await root.query('SELECT pg_cancel_backend($1)', [backend]);
    expect(await failover).toMatchObject({ code: '57014' });
    const command = await root.query('SELECT status FROM pgautofailover.command');
    expect(command.rows).toEqual([{ status: 'withdrawn' }]);
  }));

test('a command that is cancelled while it is written down is withdrawn', () =>
  besideIdleService(async (root) => {
    await root.query(`
      CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON pgautofailover.command
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION be_slow()`);
    const failover = client
      .query('SELECT pgautofailover.perform_failover()')
      .catch((error: unknown) => error);
    await until('the command is being written', async () => {
      const writing = await root.query(
        `SELECT FROM pg_stat_activity WHERE application_name = 'pgaf_command' AND wait_event = 'PgSleep'`,
      );
      return writing.rowCount === 1;
    });
    await root.query('SELECT pg_cancel_backend($1)', [backend]);
    const refusal = await failover;
    await root.query('DROP FUNCTION be_slow CASCADE');
    expect(refusal).toMatchObject({ code: '57014' });
    const command = await root.query('SELECT status FROM pgautofailover.command');
    expect(command.rows).toEqual([{ status: 'withdrawn' }, { status: 'withdrawn' }]);
  }));

test('a command that was taken and not answered is under way, and says where its answer will stand', () =>
  besideIdleService(async (root) => {
    const failover = client
      .query('SELECT pgautofailover.perform_failover()')
      .catch((error: unknown) => error);
    await until('the command is taken', async () => {
      const taken = await root.query(
        `UPDATE pgautofailover.command SET status = 'running' WHERE status = 'new'`,
      );
      return taken.rowCount === 1;
    });
    await root.query('SELECT pg_advisory_unlock(1885823334, 1)');
    expect(await failover).toMatchObject({ code: 'PA001', hint: expect.stringMatching(/commandid \d+/) });
  }));

test('a command that a dead service had taken is refused by the next one', async () => {
  const root = await monitor.connectAsSuperuser();
  await root.query(
    `INSERT INTO pgautofailover.command (kind, requested_by, deadline, status)
     VALUES ('perform_failover', 'someone', now(), 'running')`,
  );
  await monitor.serve();
  const { rows } = await root.query(
    `SELECT status, sqlstate FROM pgautofailover.command WHERE requested_by = 'someone'`,
  );
  expect(rows).toEqual([{ status: 'refused', sqlstate: '57P01' }]);
});

test('what cannot be registered is refused with the SQLSTATE of the reference and a way out', async () => {
  const one = await FakeKeeper.register(monitor, { name: 'first' });
  await one.report();
  await expect(register('', ['nowhere', 'h', 1, 'postgres'])).rejects.toMatchObject({ code: '42P17' });
  await expect(register('', ['default', '127.0.0.1', one.port, 'postgres'])).rejects.toMatchObject({
    code: '23505',
    message: expect.stringContaining('node 1 "first"'),
  });
  await expect(register(`, node_name => 'first'`, ['default', 'h', 1, 'postgres'])).rejects.toMatchObject({
    code: '23505',
    message: expect.stringContaining('the name "first" is taken'),
  });
  await expect(register('', ['default', 'h', 1, 'app'])).rejects.toMatchObject({ code: 'XX000' });
  await expect(register(`, node_role => 'unheard'`, ['default', 'h', 1, 'postgres'])).rejects.toMatchObject({
    code: '22023',
  });
  await one.publishSystemIdentifier();
  await expect(register(', sysidentifier => 4711', ['default', 'h', 1, 'postgres'])).rejects.toMatchObject({
    code: '23P01',
  });
  await expect(
    register(`, initial_group_role => 'single'`, ['default', 'h', 1, 'postgres']),
  ).rejects.toMatchObject({
    code: 'XX000',
  });
  expect((await client.query('SELECT * FROM pgautofailover.current_state()')).rows).toHaveLength(1);
  await one.postgres.close();
});

test('a keeper that was cut off before it wrote down the answer gets the same one again', async () => {
  const port = await freePort();
  const first = await register('', ['default', '127.0.0.1', port, 'postgres']);
  const second = await register('', ['default', '127.0.0.1', port, 'postgres']);
  expect(second.rows).toEqual(first.rows);
  const id = first.rows[0].assigned_node_id;
  await client.query(`SELECT * FROM pgautofailover.node_active('default', $1, 0, 'wait_standby')`, [id]);
  const third = await register(`, desired_node_id => ${id}`, ['default', '127.0.0.1', port, 'postgres']);
  expect(third.rows).toEqual(first.rows);
  await client.query(`SELECT pgautofailover.remove_node($1::bigint, true)`, [id]);
});

test('a switchover without a standby is refused, with what to do', async () => {
  await expect(client.query('SELECT pgautofailover.perform_failover()')).rejects.toMatchObject({
    code: 'XX000',
    detail: expect.stringContaining('1 node'),
    hint: expect.stringMatching(/./),
  });
  await expect(
    client.query(`SELECT pgautofailover.perform_promotion('default', 'nobody')`),
  ).rejects.toMatchObject({
    code: '42704',
  });
  await expect(client.query(`SELECT pgautofailover.remove_node('nowhere', 1)`)).rejects.toMatchObject({
    code: '42704',
  });
});

test('an answer reaches a caller inside REPEATABLE READ', async () => {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query('SELECT count(*) FROM pgautofailover.formation');
  await client.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'app', true, 0)`);
  await client.query('ROLLBACK');
  const { rows } = await client.query(
    `SELECT dbname FROM pgautofailover.formation WHERE formationid = 'other'`,
  );
  expect(rows).toEqual([{ dbname: 'app' }]);
});

test('formations: duplicates, members and unknown names are refused', async () => {
  await expect(
    client.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'app', true, 0)`),
  ).rejects.toMatchObject({ code: '23505' });
  await expect(client.query(`SELECT pgautofailover.drop_formation('default')`)).rejects.toMatchObject({
    code: '23503',
  });
  await client.query(`SELECT pgautofailover.drop_formation('other')`);
  await expect(client.query(`SELECT pgautofailover.drop_formation('other')`)).rejects.toMatchObject({
    code: 'XX000',
  });
});

test('a connection string has odd names of databases and addresses in the form of a URI', async () => {
  await client.query(`SELECT pgautofailover.create_formation('odd', 'pgsql', 'x', true, 0)`);
  const { rows } = await register('', ['odd', '::1', 5999, 'my app?ü']);
  const uri = await client.query(`SELECT pgautofailover.formation_uri('odd') AS uri`);
  expect(uri.rows).toEqual([
    { uri: 'postgres://[::1]:5999/my%20app%3F%C3%BC?target_session_attrs=read-write&sslmode=prefer' },
  ]);
  await expect(
    client.query(`SELECT pgautofailover.update_node_metadata(1, NULL, '::1', 5999)`),
  ).rejects.toMatchObject({ code: '23505', message: expect.stringContaining('([::1]:5999)') });
  await client.query('SELECT pgautofailover.remove_node($1::bigint, true)', [rows[0].assigned_node_id]);
  await client.query(`SELECT pgautofailover.drop_formation('odd')`);
});

test.each([
  [
    `register_node('default', '127.0.0.1', 7777, 'postgres', 'no de!')`,
    /^the name "no de!" may have letters/,
  ],
  [`update_node_metadata(1, 'no de!', NULL, NULL)`, /^the name "no de!" may have letters/],
  [`create_formation('monitor', 'pgsql', 'app', true, 0)`, /^the name "monitor" is the word for the monitor/],
  [`create_formation('a b', 'pgsql', 'app', true, 0)`, /^the name "a b" may have letters/],
])('%s is refused for its name', async (call, message) => {
  await expect(client.query(`SELECT pgautofailover.${call}`)).rejects.toMatchObject({
    code: '22023',
    message: expect.stringMatching(message),
  });
});

test('standbys of a formation are turned off while none is there, and on again', async () => {
  const secondary = async (): Promise<unknown> =>
    (await client.query(`SELECT opt_secondary FROM pgautofailover.formation WHERE formationid = 'default'`))
      .rows;
  const waiting = await register('', ['default', '127.0.0.1', await freePort(), 'postgres']);
  await expect(client.query(`SELECT pgautofailover.disable_secondary('default')`)).rejects.toMatchObject({
    code: '55000',
    detail: expect.stringContaining('reports init'),
    hint: expect.stringContaining('drop node'),
  });
  expect(await secondary()).toEqual([{ opt_secondary: true }]);
  await client.query('SELECT pgautofailover.remove_node($1::bigint, true)', [
    waiting.rows[0].assigned_node_id,
  ]);
  await client.query(
    `SELECT FROM pgautofailover.node_active('default', 1, 0, 'single', current_lsn => '0/3000000')`,
  );
  await client.query(`SELECT pgautofailover.disable_secondary('default')`);
  expect(await secondary()).toEqual([{ opt_secondary: false }]);
  await expect(register('', ['default', '127.0.0.1', 1, 'postgres'])).rejects.toMatchObject({
    code: '55000',
  });
  await client.query(`SELECT pgautofailover.enable_secondary('default')`);
  expect(await secondary()).toEqual([{ opt_secondary: true }]);
  for (const call of ['enable_secondary', 'disable_secondary']) {
    await expect(client.query(`SELECT pgautofailover.${call}('nowhere')`)).rejects.toMatchObject({
      code: '42704',
    });
  }
});

test('every command leaves a row: who, what, and the answer', async () => {
  const { rows } = await client.query(
    `SELECT kind, status, requested_by, host(client_addr) AS from FROM pgautofailover.command
     WHERE kind = 'create_formation' ORDER BY commandid LIMIT 1`,
  );
  expect(rows).toEqual([
    { kind: 'create_formation', status: 'done', requested_by: 'autoctl_node', from: '127.0.0.1' },
  ]);
});

test('a node gets another port; one that is taken is refused', async () => {
  const port = await freePort();
  await client.query(`SELECT pgautofailover.update_node_metadata(1, NULL, NULL, $1)`, [port]);
  const { rows } = await client.query('SELECT nodename, nodeport FROM pgautofailover.current_state()');
  expect(rows).toEqual([{ nodename: 'first', nodeport: port }]);
  const other = await register('', ['default', '127.0.0.1', await freePort(), 'postgres']);
  await expect(
    client.query(`SELECT pgautofailover.update_node_metadata($1, NULL, NULL, $2)`, [
      other.rows[0].assigned_node_id,
      port,
    ]),
  ).rejects.toMatchObject({ code: '23505' });
});

test('autoctl_node can neither write tables nor use what is private', async () => {
  for (const statement of [
    'UPDATE pgautofailover.node SET goalstate = reportedstate',
    `INSERT INTO pgautofailover.command (kind, requested_by, deadline) VALUES ('x', 'x', now())`,
    `SELECT pgautofailover_private.assign_goal(1, 'primary', '', '')`,
    `SELECT * FROM pgautofailover_private.dblink('', 'SELECT 1') AS t(one int)`,
  ]) {
    await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
  }
});
