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
