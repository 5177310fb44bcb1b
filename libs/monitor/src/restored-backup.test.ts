import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FormationView } from '@pgaf/core/formation-view';
import type pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { FakeKeeper } from './testing/fake-keeper.js';
import { formGroup } from './testing/formed-group.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let keeper: FakeKeeper;

afterEach(async () => {
  await keeper?.postgres.close();
  await monitor?.destroy();
});

async function groupOf(client: pg.Client): Promise<{ restored: boolean; waiting: string[] }> {
  const { rows } = await client.query<{ restored: boolean; waiting: string[] }>(
    `SELECT believed_in_term < doubted_in_term AS restored, waiting
       FROM pgautofailover.group_state, pgautofailover.service WHERE formationid = 'default'`,
  );
  const [row] = rows;
  if (!row) throw new Error('no group');
  return row;
}

/** Whether plugins are told that the group is known from a backup. */
async function viewedAs(client: pg.Client): Promise<boolean | undefined> {
  const { rows } = await client.query<{ view: FormationView }>(
    'SELECT pgautofailover.formation_view() AS view',
  );
  return rows[0]?.view.groups[0]?.restored;
}

/** As after a restore with its WAL: another timeline. */
async function recoverToPointInTime(): Promise<void> {
  const root = await monitor.connectAsSuperuser();
  await root.query(`ALTER SYSTEM SET restore_command = 'false'`);
  await writeFile(join(monitor.options.pgdata, 'recovery.signal'), '');
  await monitor.restartPostgres();
  const recovered = await monitor.connectAsSuperuser();
  await until('the end of the recovery', async () => {
    const { rows } = await recovered.query<{ busy: boolean }>('SELECT pg_is_in_recovery() AS busy');
    return rows[0]?.busy === false;
  });
}

/** A group with one node, and its monitor without a service. */
async function soleNode(): Promise<void> {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  keeper = await FakeKeeper.register(monitor, { name: 'a' });
  await keeper.awaitGoal('single');
  await keeper.publishSystemIdentifier();
  await keeper.report({ state: 'single', facts: { epoch: 1 } });
  await service.stop();
}

test('a monitor that was recovered to a point in time decides nothing before its nodes have reported', async () => {
  await soleNode();
  await monitor.restartPostgres();
  const restarted = await monitor.serve();
  expect(restarted.log.at('warn')).toEqual([]);
  expect(await groupOf(await monitor.connect())).toMatchObject({ restored: false });
  await restarted.stop();

  await recoverToPointInTime();
  const early = await keeper.reconnected(monitor);
  await until('an answer of the Postgres that has recovered', () =>
    early.report().then(
      ({ assignment }) => assignment.restored,
      () => false,
    ),
  );
  await until('the view to say so, too', async () => (await viewedAs(await monitor.connect())) === true);
  await early.client.end();
  const recovered = await monitor.serve();
  expect(recovered.log.at('warn').join()).toContain('This monitor seems to be restored from a backup');
  const client = await monitor.connect();
  await until('the group to say what it waits for', async () => {
    const { restored, waiting } = await groupOf(client);
    return restored && waiting.join().includes('until node 1 "a"');
  });

  const back = await keeper.reconnected(monitor);
  expect((await back.report()).assignment.restored).toBe(true);
  await until('orders again, once the group is believed', async () => {
    const { assignment } = await back.report({ state: 'single', facts: { epoch: 1 } });
    return !assignment.restored && !(await groupOf(client)).restored;
  });
  expect(await viewedAs(client)).toBe(false);
  // Nobody takes the epoch over.
  await recovered.stop();
  await back.report({ state: 'single', facts: { epoch: 7 } });
  expect(await viewedAs(client)).toBe(true);
});

test('a node that has begun its session with a restored monitor, and said nothing over it, is not heard of yet', async () => {
  await soleNode();
  // Reports wait for no disk, and this one is in the backup.
  await (await monitor.connectAsSuperuser()).query('CHECKPOINT');
  await recoverToPointInTime();
  await monitor.serve();
  const client = await monitor.connect();
  const back = await keeper.reconnected(monitor);
  await back.beginSession();
  // The command is decided on what the tables say now.
  await expect(client.query(`SELECT pgautofailover.perform_failover('default', 0)`)).rejects.toMatchObject({
    code: '55000',
    message: 'the nodes of default know more than this monitor',
    detail: expect.stringContaining('until node 1 "a"') as string,
  });
  expect(await groupOf(client)).toMatchObject({ restored: true });
  await until('the group to be believed', async () => !(await back.report()).assignment.restored);
});

test('who led the epoch that the monitor knows of takes no order from it once another node has told of a later one', async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  const formed = await formGroup(monitor, 'default', ['a', 'b', 'c']);
  const [a, b, c] = formed as [FakeKeeper, FakeKeeper, FakeKeeper];
  try {
    const known = async (version: string | null) => {
      const { rows } = await a.client.query<{ assignment: { restored: boolean } | null; version: string }>(
        `SELECT assignment, version FROM pgautofailover.node_active('default', $1, 0, $2, true, 1, $3, '', $4, $5)`,
        [a.id, a.state, a.lsn, JSON.stringify(a.facts), version],
      );
      return rows[0] ?? expect.fail('no answer');
    };
    await c.client.end();
    const root = await monitor.connectAsSuperuser();
    await until('that session to have ended', async () => {
      const { rows } = await root.query(
        'SELECT FROM pgautofailover.node JOIN pg_stat_activity ON pid = sessionpid AND backend_start = sessionstart',
      );
      return rows.length === 2;
    });
    const { assignment, version } = await known(null);
    expect(assignment?.restored).toBe(false);

    await service.stop();
    await b.report({ facts: { ...b.facts, epoch: 7, leader: b.id } });
    expect((await a.report()).assignment.restored).toBe(true);

    // And who has its assignment already is told, too.
    await monitor.serve();
    await until('the doubt to be news', async () => (await known(version)).assignment?.restored === true);
    expect(await groupOf(a.client)).toMatchObject({ restored: true });
    const back = await c.reconnected(monitor);
    await until('the group to be believed', async () => {
      await back.report();
      return !(await a.report()).assignment.restored;
    });
    expect((await a.report()).assignment).toMatchObject({ epoch: 7, leader: b.id });
  } finally {
    for (const { postgres } of formed) await postgres.close();
  }
});

test('who comes to a restored monitor gets no id that another one may have got since, nor a place in a group that is not believed', async () => {
  await soleNode();
  await recoverToPointInTime();
  await monitor.serve();
  const client = await monitor.connect();
  const register = (formation: string): Promise<{ rows: { assigned_node_id: string }[] }> =>
    client.query(`SELECT * FROM pgautofailover.register_node($1, '127.0.0.2', 1, 'postgres')`, [formation]);
  await expect(register('default')).rejects.toMatchObject({
    code: '55000',
    message: 'group 0 takes no node now: its nodes know more than this monitor',
  });
  await client.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'postgres', true, 0)`);
  const other = await register('other');
  expect(Number(other.rows[0]?.assigned_node_id)).toBeGreaterThan(keeper.id + 1000);
});

test('a monitor whose tables were written on another system is doubted before its service has looked', async () => {
  await soleNode();
  expect((await keeper.report()).assignment.restored).toBe(false);
  const root = await monitor.connectAsSuperuser();
  await root.query('UPDATE pgautofailover.service SET system_identifier = system_identifier + 1');
  expect((await keeper.report()).assignment.restored).toBe(true);
});

test('a session that holds a row of a restored group keeps nobody from doubting it, nor from deciding for others', async () => {
  await soleNode();
  await recoverToPointInTime();
  const root = await monitor.connectAsSuperuser();
  await root.query('BEGIN');
  await root.query('SELECT FROM pgautofailover.group_state FOR UPDATE');
  const service = await monitor.serve();
  const client = await monitor.connect();
  await client.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'postgres', true, 0)`);
  const other = await client.query<{ assigned_group_state: string }>(
    `SELECT * FROM pgautofailover.register_node('other', '127.0.0.2', 1, 'postgres')`,
  );
  expect(other.rows[0]?.assigned_group_state).toBe('single');

  const back = await keeper.reconnected(monitor);
  await until('the session that holds the row to be named', async () => {
    const { assignment } = await back.report({ state: 'single', facts: { epoch: 1 } });
    expect(assignment.restored).toBe(true);
    return service.log.at('warn').join().includes('Group 0 of formation "default" is skipped');
  });
  await root.query('ROLLBACK');
  await until('the group to be believed', async () => !(await back.report()).assignment.restored);
});

test('a session that holds the row of the service is named, and waited for', async () => {
  await soleNode();
  const root = await monitor.connectAsSuperuser();
  await root.query('BEGIN');
  await root.query('SELECT FROM pgautofailover.service FOR UPDATE');
  const pid = (await root.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
  const service = monitor.startService();
  await until('who holds it to be named', () =>
    service.log.at('warn').join().includes(`pgautofailover.service is locked by pid ${pid}`),
  );
  await root.query('ROLLBACK');
  await service.ready;
});
