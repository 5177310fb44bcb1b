import { afterEach, expect, test } from 'vitest';
import type pg from 'pg';
import { trimHistory } from './history.js';
import { DEFAULT_SETTINGS } from './monitor-settings.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;

afterEach(() => monitor?.destroy());

/** So many events, the newest last, each seven hours after the one before. */
async function addEvents(client: pg.Client, count: number): Promise<void> {
  await client.query(
    `INSERT INTO pgautofailover.event
       (eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport, reportedstate, goalstate)
     SELECT now() - i * interval '7 h', 'default', 1, 0, 'n', 'h', 1, 'single', 'single'
     FROM generate_series($1::int, 1, -1) i`,
    [count],
  );
}

async function ids(client: pg.Client, table: 'event' | 'command'): Promise<number[]> {
  const { rows } = await client.query<{ id: number }>(
    `SELECT ${table}id::int AS id FROM pgautofailover.${table} ORDER BY 1`,
  );
  return rows.map(({ id }) => id);
}

const DAY = 86_400_000;

test('the service trims events to their number, and takes another limit while it runs', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  await addEvents(root, 9);
  monitor.settings = { ...DEFAULT_SETTINGS, historyRows: 5 };
  const service = await monitor.serve();
  await until('five are left', async () => (await ids(root, 'event')).join() === '5,6,7,8,9');
  monitor.settings = { ...DEFAULT_SETTINGS, historyRows: 2 };
  await until('two are left', async () => (await ids(root, 'event')).join() === '8,9');
  expect(service.log.at('warn')).toEqual([]);
});

test('events go at their age, a batch at a time, and no id is used again', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  await addEvents(root, 9);
  const limits = { historyAge: DAY, historyRows: 100 };
  expect(await trimHistory(root, limits, 4)).toBe('more');
  expect(await ids(root, 'event')).toEqual([5, 6, 7, 8, 9]);
  expect(await trimHistory(root, limits, 4)).toBe('done');
  expect(await ids(root, 'event')).toEqual([7, 8, 9]);
  await trimHistory(root, { historyAge: 0, historyRows: 0 }, 100);
  expect(await ids(root, 'event')).toEqual([]);
  await addEvents(root, 1);
  expect(await ids(root, 'event')).toEqual([10]);
});

test('a command goes when it is old and was answered, never while it is open', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  const add = (status: string, answered: string) =>
    root.query(
      `INSERT INTO pgautofailover.command (kind, requested_by, requested_at, deadline, status, answered_at)
       VALUES ('perform_failover', 'somebody', now() - interval '2 d', now(), $1, ${answered})`,
      [status],
    );
  await add('new', 'NULL');
  await add('running', 'NULL');
  await add('done', `now() - interval '2 d'`);
  await add('refused', 'now()');
  await add('withdrawn', `now() - interval '2 d'`);
  await trimHistory(root, { historyAge: DAY, historyRows: 100 });
  expect(await ids(root, 'command')).toEqual([1, 2, 4]);
  // What was answered just now is about to be read by who asked.
  await trimHistory(root, { historyAge: 0, historyRows: 0 });
  expect(await ids(root, 'command')).toEqual([1, 2, 4]);
});

test('answered commands are trimmed to their number, too, and open ones are counted with them', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  await root.query(
    `INSERT INTO pgautofailover.command (kind, requested_by, deadline, status, answered_at)
     SELECT 'perform_failover', 'somebody', now(), 'done', now() - interval '1 h' FROM generate_series(1, 5)`,
  );
  await root.query(
    `INSERT INTO pgautofailover.command (kind, requested_by, deadline) VALUES ('perform_failover', 'somebody', now())`,
  );
  await trimHistory(root, { historyAge: DAY, historyRows: 3 });
  expect(await ids(root, 'command')).toEqual([4, 5, 6]);
});

test('a question goes once its answer was read, and takes no place of a command', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  const add = (kind: string, answered: string) =>
    root.query(
      `INSERT INTO pgautofailover.command (kind, requested_by, deadline, status, answered_at)
       SELECT $1, 'somebody', now(), 'done', now() - $2::interval FROM generate_series(1, 3)`,
      [kind, answered],
    );
  await add('perform_failover', '1 h');
  await add('explain', '1 h');
  await add('explain', '1 s');
  await trimHistory(root, { historyAge: DAY, historyRows: 3 });
  expect(await ids(root, 'command')).toEqual([1, 2, 3, 7, 8, 9]);
});

test('a backlog of more than one batch is trimmed without a wait for the next look', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  await addEvents(root, 2500);
  monitor.settings = { ...DEFAULT_SETTINGS, historyAge: 9999 * DAY, historyRows: 2 };
  await monitor.serve();
  await until('two are left', async () => (await ids(root, 'event')).join() === '2499,2500', 30_000);
});

test('rows that somebody has locked hold up neither trimming nor commands', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  await root.query(`INSERT INTO pgautofailover.event
      (eventtime, formationid, nodeid, groupid, nodename, nodehost, nodeport, reportedstate, goalstate)
    SELECT now() - interval '1 year', 'default', n, 0, 'gone', 'gone', 1, 'dropped', 'dropped'
    FROM generate_series(1, 2) n`);
  await root.query(`INSERT INTO pgautofailover.command (kind, requested_by, deadline)
    VALUES ('perform_failover', 'somebody', now() - interval '1 h')`);
  await root.query('BEGIN');
  await root.query('SELECT FROM pgautofailover.event WHERE nodeid = 1 FOR UPDATE');
  await root.query('SELECT FROM pgautofailover.command FOR UPDATE');
  const service = await monitor.serve();
  const client = await monitor.connect();
  await until('what nobody has locked is trimmed', async () => {
    const { rows } = await client.query('SELECT nodeid::int FROM pgautofailover.event');
    return rows.length === 1 && rows[0].nodeid === 1;
  });
  await client.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'postgres', true, 0)`);
  const { rows } = await client.query('SELECT term::int FROM pgautofailover.service');
  expect(rows).toEqual([{ term: await service.ready }]);
  expect(service.log.at('warn')).toEqual([]);
});
