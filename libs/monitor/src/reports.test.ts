import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let keeper: FakeKeeper;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  await monitor.serve();
  keeper = await FakeKeeper.register(monitor);
  await keeper.awaitGoal('single');
  await keeper.publishSystemIdentifier();
  await keeper.report({ state: 'single', facts: { epoch: 1, confirmedSetting: 1 } });
});
afterAll(async () => {
  await monitor?.destroy();
  await keeper?.postgres.close();
});

test('each report tells by which session it came, as pg_stat_activity has it', async () => {
  const root = await monitor.connectAsSuperuser();
  for (const report of ['first', 'second']) {
    await keeper.report();
    const { rows } = await root.query(
      `SELECT a.pid FROM pgautofailover.node n
         JOIN pg_stat_activity a ON a.pid = n.sessionpid AND a.backend_start = n.sessionstart`,
    );
    expect(rows, report).toHaveLength(1);
  }
});

test('what comes over a session that its keeper has given up for another one is of the past', async () => {
  await keeper.report();
  const back = await keeper.reconnected(monitor);
  await back.report({ lsn: '0/4000000' });
  await expect(keeper.report()).rejects.toMatchObject({ code: 'PA004' });
  const { rows } = await back.client.query(
    `SELECT reportedlsn FROM pgautofailover.node WHERE nodeid = ${back.id}`,
  );
  expect(rows).toEqual([{ reportedlsn: '0/4000000' }]);
  await back.report();
  keeper = back;
});

test('what comes over a session that was begun before another one was is of the past, though it is the first', async () => {
  const [older, newer] = [await keeper.reconnected(monitor), await keeper.reconnected(monitor)];
  await older.beginSession();
  await newer.beginSession();
  await newer.report({ lsn: '0/5000000' });
  await expect(older.report()).rejects.toMatchObject({ code: 'PA004' });
  await newer.report({ lsn: '0/6000000' });
  keeper = newer;
});

test('a session that has begun says nothing of its node, and is the one that its keeper has', async () => {
  const root = await monitor.connectAsSuperuser();
  const said = async () => {
    const { rows } = await root.query(
      `SELECT reportserial, reporttime, walreporttime, reportedstate, reportedlsn, facts, told
         FROM pgautofailover.node WHERE nodeid = $1`,
      [keeper.id],
    );
    return rows;
  };
  const before = await said();
  const back = await keeper.reconnected(monitor);
  await back.beginSession();
  expect(await said()).toEqual(before);
  const own = await back.client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const { rows } = await root.query(
    `SELECT a.pid FROM pgautofailover.node n
       JOIN pg_stat_activity a ON a.pid = n.sessionpid AND a.backend_start = n.sessionstart
      WHERE n.nodeid = $1`,
    [keeper.id],
  );
  expect(rows).toEqual(own.rows);
  keeper = back;
});

test('the beginning of a session waits for no disk, and that of an unknown node is nothing', async () => {
  const again = await monitor.connect();
  await again.query('BEGIN');
  await again.query('SELECT pgautofailover.begin_session($1)', [9999]);
  const { rows } = await again.query('SHOW synchronous_commit');
  await again.query('ROLLBACK');
  expect(rows).toEqual([{ synchronous_commit: 'off' }]);
});

test('a keeper that comes back with nothing new notifies nobody: all keepers would wake for each of them', async () => {
  const listener = await monitor.connect();
  const heard: string[] = [];
  listener.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await listener.query('LISTEN inbox');
  const again = await monitor.connect();
  await again.query(`SELECT pgautofailover.node_active($1, $2, 0, 'single', true, 1, $3, '', $4)`, [
    'default',
    keeper.id,
    keeper.lsn,
    JSON.stringify(keeper.facts),
  ]);
  await again.query(`NOTIFY inbox, 'the next one'`);
  await until('the next notification', () => heard.includes('the next one'));
  expect(heard).toEqual(['the next one']);
});

test('a report waits for no disk: its transaction commits asynchronously', async () => {
  const again = await monitor.connect();
  await again.query('BEGIN');
  await again.query(`SELECT pgautofailover.node_active('default', $1, 0, 'single')`, [keeper.id]);
  const { rows } = await again.query('SHOW synchronous_commit');
  await again.query('ROLLBACK');
  expect(rows).toEqual([{ synchronous_commit: 'off' }]);
});

test('what everybody is told, the keepers of the formation are told on their own channel, and no others', async () => {
  const listener = await monitor.connect();
  const heard: { channel: string; payload?: string }[] = [];
  listener.on('notification', ({ channel, payload }) => heard.push({ channel, payload: payload ?? '' }));
  const root = await monitor.connectAsSuperuser();
  const { rows } = await root.query<{ own: string; other: string }>(
    `SELECT pgautofailover_private.channel_of('default') AS own, pgautofailover_private.channel_of('other') AS other`,
  );
  const { own = '', other = '' } = rows[0] ?? {};
  expect(own).toBe('formation_37a8eec1ce19687d132fe29051dca629');
  for (const channel of ['state', own, other]) await listener.query(`LISTEN ${channel}`);
  await root.query(
    `SELECT pgautofailover_private.announce(n, 'something happens') FROM pgautofailover.node n`,
  );
  await until('both notifications', () => heard.length >= 2);
  expect(heard.map(({ channel }) => channel).sort()).toEqual([own, 'state']);
  expect(new Set(heard.map(({ payload }) => payload)).size).toBe(1);
});

test('a report that contradicts itself is refused and changes nothing', async () => {
  const other = await FakeKeeper.register(monitor);
  await expect(other.report({ state: 'secondary' })).rejects.toMatchObject({
    code: '23514',
    constraint: 'system_identifier_is_null_at_init_only',
  });
  await expect(other.report({ state: 'wait_standby', tli: -1 })).rejects.toMatchObject({ code: '23514' });
  const { rows } = await other.client.query(
    'SELECT reportedstate, reportedtli, reportserial::int FROM pgautofailover.node WHERE nodeid = $1',
    [other.id],
  );
  expect(rows).toEqual([{ reportedstate: 'init', reportedtli: 1, reportserial: 0 }]);
  await other.postgres.close();
});

test('a statement of a keeper is planned once: a thousand that come back would plan each five times more', async () => {
  const back = await keeper.reconnected(monitor);
  keeper = back;
  for (let n = 0; n < 3; n++) {
    await back.client.query({ name: 'look', text: 'SELECT $1::bigint AS id', values: [back.id] });
  }
  const { rows } = await back.client.query(
    `SELECT generic_plans::int AS generic, custom_plans::int AS custom FROM pg_prepared_statements WHERE name = 'look'`,
  );
  expect(rows).toEqual([{ generic: 3, custom: 0 }]);
});

test('reports of a thousand nodes have no plans made anew for a quarter of an hour', async () => {
  const root = await monitor.connectAsSuperuser();
  const { rows } = await root.query<{ option: string; value: number }>(
    `SELECT option_name AS option, option_value::float8 AS value
       FROM pg_class, pg_options_to_table(reloptions) WHERE oid = 'pgautofailover.node'::regclass`,
  );
  const threshold = rows.find(({ option }) => option === 'autovacuum_analyze_threshold')?.value ?? 50;
  expect(threshold + 0.1 * 1000).toBeGreaterThan(1000 * 15 * 60);
});
