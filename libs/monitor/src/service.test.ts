import { afterEach, expect, test } from 'vitest';
import type pg from 'pg';
import { loadAbsent } from './group-store.js';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
const keepers: FakeKeeper[] = [];

afterEach(async () => {
  await Promise.all(keepers.splice(0).map((keeper) => keeper.postgres.close()));
  await monitor?.destroy();
});

async function keeper(): Promise<FakeKeeper> {
  const made = await FakeKeeper.register(monitor);
  keepers.push(made);
  return made;
}

test('a second service waits, takes over when the first ends, and the term goes up', async () => {
  monitor = await TestMonitor.create();
  const first = await monitor.serve();
  const second = monitor.startService();
  await until('the second one says that it waits', () => second.log.at('warn').length > 0);
  expect(second.log.at('warn')[0]).toMatch(/pid \d+/);
  await first.stop();
  expect(await second.ready).toBe((await first.ready) + 1);
});

test('a second service that waits in vain ends and says why, and the first one decides on', async () => {
  monitor = await TestMonitor.create();
  const first = await monitor.serve();
  const second = monitor.startService(300);
  expect(await second.ended).toMatchObject({
    code: 'another-service',
    exit: 12,
    message: expect.stringMatching(/pid \d+ of the monitor's Postgres/),
  });
  const client = await monitor.connect();
  await client.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'postgres', true, 0)`);
  expect(await term(client)).toBe(await first.ready);
});

test('a service comes back in when all connections are taken, also after its session was ended', async () => {
  monitor = await TestMonitor.create();
  const root = await monitor.connectAsSuperuser();
  await root.query('ALTER SYSTEM SET max_connections = 25');
  await root.end();
  await monitor.restartPostgres();
  await monitor.serve();
  await expect(
    (async () => {
      for (;;) await monitor.connect();
    })(),
  ).rejects.toMatchObject({ code: '53300' });
  const eyes = await monitor.connectAsSuperuser();
  const before = await term(eyes);
  await eyes.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgaf monitor%'`,
  );
  await until('another term', async () => (await term(eyes)) > before);
});

test('a service whose term is over decides nothing more and ends', async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  const one = await keeper();
  const root = await monitor.connectAsSuperuser();
  await root.query('UPDATE pgautofailover.service SET term = term + 1');
  await one.report({ state: 'init', facts: { epoch: 1 } });
  await one.publishSystemIdentifier();
  await one.report({ state: 'single', facts: { epoch: 1, confirmedSetting: 1 } });
  expect(await service.ended).toMatchObject({ code: 'term-lost', exit: 6 });
  const { rows } = await root.query('SELECT lineage FROM pgautofailover.group_state');
  expect(rows).toEqual([{ lineage: [] }]);
});

test('the service outlives its Postgres: it comes back with a new term', async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  await monitor.restartPostgres();
  const client = await monitor.connect();
  await until('a command is answered again', () =>
    client.query(`SELECT pgautofailover.create_formation('after', 'pgsql', 'postgres', true, 0)`).then(
      () => true,
      () => false,
    ),
  );
  const { rows } = await client.query('SELECT term::int FROM pgautofailover.service');
  expect(rows[0].term).toBe((await service.ready) + 1);
});

async function pidOf(client: pg.Client): Promise<number> {
  return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
}

test('a group that somebody blocks is skipped by name of the blocker, and the others go on', async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  const one = await keeper();
  await one.report();
  await one.publishSystemIdentifier();
  const root = await monitor.connectAsSuperuser();
  await root.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'postgres', true, 0)`);
  await root.query('BEGIN');
  await root.query(`SELECT FROM pgautofailover.group_state WHERE formationid = 'default' FOR UPDATE`);
  await one.report({ state: 'single', facts: { epoch: 1, confirmedSetting: 1 } });
  const pid = await pidOf(root);
  await until('the blocker is named', () =>
    service.log.at('warn').some((line) => line.includes(`pid ${pid}`)),
  );

  const client = await monitor.connect();
  const other = await client.query(
    `SELECT * FROM pgautofailover.register_node('other', '127.0.0.2', 1, 'postgres')`,
  );
  const id = other.rows[0].assigned_node_id;
  await client.query(`SELECT * FROM pgautofailover.set_node_system_identifier($1, 1)`, [id]);
  await client.query(
    `SELECT * FROM pgautofailover.node_active('other', $1, 0, 'single', facts => '{"epoch": 1}')`,
    [id],
  );
  await until('the other group is decided', async () => {
    const { rows } = await client.query(
      `SELECT lineage FROM pgautofailover.group_state WHERE formationid = 'other'`,
    );
    return rows[0].lineage.length === 1;
  });
  await expect(
    client.query(`SELECT pgautofailover.remove_node($1::bigint, true)`, [one.id]),
  ).rejects.toMatchObject({ code: '55P03', message: expect.stringContaining(`pid ${pid}`) });

  await root.query('ROLLBACK');
  await until('the blocked group is decided', async () => {
    const { rows } = await client.query(
      `SELECT lineage FROM pgautofailover.group_state WHERE formationid = 'default'`,
    );
    return rows[0].lineage.length === 1;
  });
});

test('a group whose kind nobody knows is skipped, with the reason', async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  const one = await keeper();
  const root = await monitor.connectAsSuperuser();
  await root.query(`UPDATE pgautofailover.formation SET kind = 'gone'`);
  await one.report();
  await until('the kind is named', () =>
    service.log.at('warn').some((line) => line.includes('no plugin for "gone"')),
  );
  await root.query(`UPDATE pgautofailover.formation SET kind = 'pgsql'`);
  await one.publishSystemIdentifier();
  await one.report({ state: 'single', facts: { epoch: 1, confirmedSetting: 1 } });
  await until('the group is decided again', async () => {
    const { rows } = await root.query('SELECT lineage FROM pgautofailover.group_state');
    return rows[0].lineage.length === 1;
  });
});

async function term(client: pg.Client): Promise<number> {
  return (await client.query('SELECT term::int FROM pgautofailover.service')).rows[0].term;
}

test('a session that a crash of the monitor ended is not taken for one that its keeper left', async () => {
  monitor = await TestMonitor.create();
  await monitor.serve();
  const one = await keeper();
  await one.report();
  const victim = await monitor.connect();
  process.kill(await pidOf(victim), 'SIGKILL');
  // The postmaster ends every other backend after this one, also one that it let in meanwhile.
  const session = await until('what a Postgres that came back knows of the session', async () => {
    const root = await monitor.connectAsSuperuser().catch(() => undefined);
    const absent = root && (await loadAbsent(root).catch(() => undefined));
    return absent?.get(one.id)?.session;
  });
  expect(session).toBe('unknown');
});

test('functions that others made in the public schema are not called by the service', async () => {
  monitor = await TestMonitor.create();
  await monitor.serve();
  const [one, two] = [await keeper(), await keeper()];
  const root = await monitor.connectAsSuperuser();
  // As up to Postgres 14 for everybody.
  await root.query('GRANT CREATE ON SCHEMA public TO PUBLIC');
  const client = await monitor.connect();
  await client.query(`CREATE FUNCTION public.format(text, bigint, text, text, int) RETURNS text LANGUAGE plpgsql
    AS $$ BEGIN ALTER ROLE autoctl_node SUPERUSER; RETURN 'taken'; END $$`);
  await expect(
    client.query('SELECT pgautofailover.update_node_metadata($1, $2, NULL, NULL)', [two.id, one.name]),
  ).rejects.toMatchObject({ code: '23505' });
  const { rows } = await root.query(`SELECT rolsuper FROM pg_roles WHERE rolname = 'autoctl_node'`);
  expect(rows).toEqual([{ rolsuper: false }]);
});

test('a notification that makes no sense does not end the session of the service', async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  const client = await monitor.connect();
  await client.query(`NOTIFY inbox, 'group 99999999999 default'`);
  // The inbox is read before the command that comes after it is answered.
  await client.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'postgres', true, 0)`);
  await client.query(`SELECT pgautofailover.drop_formation('other')`);
  expect(await term(client)).toBe(await service.ready);
});

test('a warning of a node is an event when it comes and when it goes, and outlives a keeper that has not looked', async () => {
  monitor = await TestMonitor.create();
  await monitor.serve();
  const one = await keeper();
  const warnings = async (): Promise<string[]> => {
    const { rows } = await one.client.query<{ description: string }>(
      `SELECT description FROM pgautofailover.event WHERE description LIKE 'Warning%' ORDER BY eventid`,
    );
    return rows.map(({ description }) => description);
  };
  const who = `node 1 "node_1" (127.0.0.1:${one.port})`;
  await one.report({ facts: { warnings: ['a %s is wrong'] } });
  await one.report({ facts: {} });
  await one.report({ facts: { warnings: ['a %s is wrong'] } });
  expect(await warnings()).toEqual([`Warning of ${who}: a %s is wrong`]);
  await one.report({ facts: { warnings: ['another'] } });
  await one.report({ facts: { warnings: [] } });
  expect((await warnings()).slice(1).sort()).toEqual([
    `Warning of ${who} is over: a %s is wrong`,
    `Warning of ${who} is over: another`,
    `Warning of ${who}: another`,
  ]);
});
