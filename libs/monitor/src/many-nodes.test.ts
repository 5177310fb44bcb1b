import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FakeKeeper } from './testing/fake-keeper.js';
import { formGroup } from './testing/formed-group.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let keepers: FakeKeeper[];
let root: pg.Client;
let heard: { channel: string; payload: string }[];

beforeEach(async () => {
  monitor = await TestMonitor.create();
  keepers = [];
  heard = [];
  root = await monitor.connectAsSuperuser();
  const listener = await monitor.connect();
  listener.on('notification', ({ channel, payload = '' }) => heard.push({ channel, payload }));
  for (const channel of ['inbox', 'state']) await listener.query(`LISTEN ${channel}`);
});
afterEach(async () => {
  await monitor?.destroy();
  for (const { postgres } of keepers ?? []) await postgres.close();
});

const inbox = () => heard.filter(({ channel }) => channel === 'inbox');
const isAnnounced = (state: string) =>
  heard.some(({ channel, payload }) => channel === 'state' && payload.includes(`"goalState": "${state}"`));

async function looks(): Promise<boolean> {
  const { rows } = await root.query<{ looks: boolean }>(
    'SELECT pgautofailover_private.service_looks() AS looks',
  );
  return rows[0]?.looks === true;
}

async function written(): Promise<{ news: number; announcements: number } | undefined> {
  const { rows } = await root.query<{ news: number; announcements: number }>(
    `SELECT (SELECT count(*)::int FROM pgautofailover_private.news) AS news,
            (SELECT count(*)::int FROM pgautofailover_private.announcement) AS announcements`,
  );
  return rows[0];
}

async function termOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ term: number }>('SELECT term::int FROM pgautofailover.service');
  return rows[0]?.term ?? NaN;
}

/** Resolves when all notifications from before it have been heard. */
async function listened(): Promise<void> {
  const mark = `mark ${Math.random()}`;
  await root.query('SELECT pg_notify($1, $2)', ['state', mark]);
  await until('the mark', () => heard.some(({ payload }) => payload === mark));
}

/** Has two nodes, and a service to which they are many. */
async function serveMany(): Promise<[FakeKeeper, FakeKeeper]> {
  monitor.manyNodes = 2;
  await monitor.serve();
  keepers = await formGroup(monitor, 'default', ['a', 'b']);
  await until('the service looks', looks);
  const [primary, standby] = keepers;
  if (!primary || !standby) throw new Error('no two nodes');
  return [primary, standby];
}

/** Of nodes that were heard of just now. */
async function failover(): Promise<unknown> {
  for (const keeper of keepers) await keeper.report().catch(() => undefined);
  return root.query(`SELECT pgautofailover.perform_failover('default', 0)`);
}

async function awaitDraining(primary: FakeKeeper): Promise<void> {
  const assigned = await primary.awaitGoal('draining');
  expect(assigned.assignment).toMatchObject({ announcesLate: true });
}

test('of many nodes, orders and reports are decided on without a notification, and decisions are announced', async () => {
  const [primary, standby] = await serveMany();
  await listened();
  heard.length = 0;
  await failover();
  await awaitDraining(primary);
  await until('the order is announced', () => isAnnounced('draining'));
  await primary.report({
    state: 'draining',
    running: false,
    facts: { epoch: 1, stopped: { belowEpoch: 2, finalLsn: 0x3000000n } },
  });
  await standby.awaitGoal('wait_primary');
  await until('what follows is announced', () => isAnnounced('wait_primary'));
  await listened();
  expect(inbox()).toEqual([]);
  await until('nothing is left', async () => Object.values((await written()) ?? {}).every((n) => n === 0));
});

test('each event of many nodes is announced once, on both channels, in its order', async () => {
  await serveMany();
  const { rows } = await root.query<{ own: string }>(
    `SELECT pgautofailover_private.channel_of('default') AS own`,
  );
  const own = rows[0]?.own ?? '';
  const keeper = await monitor.connect();
  const told: string[] = [];
  keeper.on('notification', ({ payload = '' }) => told.push(payload));
  await keeper.query(`LISTEN ${own}`);
  await until('nothing is left to announce', async () => {
    const left = await root.query('SELECT FROM pgautofailover_private.announcement');
    return left.rowCount === 0;
  });
  await listened();
  heard.length = told.length = 0;
  await root.query(
    `SELECT pgautofailover_private.announce(n, 'something happens') FROM pgautofailover.node n ORDER BY nodeid`,
  );
  await until('all of it', () => told.length === 2);
  await listened();
  const news = heard.map(({ payload }) => payload).filter((payload) => payload.startsWith('{'));
  expect(told).toEqual(news);
  expect(told.map((payload) => (JSON.parse(payload) as { name: string }).name)).toEqual(['a', 'b']);
});

test('of few nodes, all is notified', async () => {
  await monitor.serve();
  keepers = await formGroup(monitor, 'default', ['a', 'b']);
  expect(await looks()).toBe(false);
  heard.length = 0;
  await failover();
  const assigned = await keepers[0]?.awaitGoal('draining');
  expect(assigned?.assignment).toMatchObject({ announcesLate: false });
  await until('both', () => isAnnounced('draining') && inbox().length > 0);
  expect(inbox()[0]?.payload).toMatch(/^command /);
});

test('a service of an older version, which looks for nothing, is notified of all after one that looked', async () => {
  const [primary] = await serveMany();
  heard.length = 0;
  // As it opens its term.
  await root.query('UPDATE pgautofailover.service SET term = term + 1');
  await primary.report({ running: false });
  await until('the service is told', () => inbox().length > 0);
});

test('a service that begins announces what an earlier one has left, and goes by the nodes that it finds', async () => {
  const [primary, standby] = await serveMany();
  await until('nothing is left to announce', async () => {
    const left = await root.query('SELECT FROM pgautofailover_private.announcement');
    return left.rowCount === 0;
  });
  const [service] = monitor.services;
  await service?.stop();
  heard.length = 0;
  await root.query(
    `INSERT INTO pgautofailover_private.announcement (channel, payload)
     SELECT 'state', pgautofailover_private.state_payload(n) FROM pgautofailover.node n WHERE nodeid = ${primary.id}`,
  );
  await listened();
  expect(heard.filter(({ payload }) => payload.startsWith('{'))).toEqual([]);
  monitor.manyNodes = 3;
  await monitor.serve();
  await until('what was left', () => heard.some(({ payload }) => payload.includes('"name": "a"')));
  expect(await looks()).toBe(false);
  await failover();
  await until('the order', () => inbox().length > 0);
  expect(standby.state).toBe('secondary');
});

test('a service that begins looks at once where nodes are many', async () => {
  const [primary] = await serveMany();
  const [service] = monitor.services;
  await service?.stop();
  await monitor.serve();
  await until('it looks', looks);
  await failover();
  await awaitDraining(primary);
});

interface Pair {
  readonly primary: FakeKeeper;
  readonly standby: FakeKeeper;
}

/** Has them report as keepers do. */
async function obey(nodes: readonly FakeKeeper[]): Promise<void> {
  for (const node of nodes) await node.obey();
}

/** Has a group of two rest until the service has only glanced at it in some rounds, then goes on without some of them. */
async function afterRest(
  change: (pair: Pair) => Promise<{ readonly left: readonly FakeKeeper[] }>,
  isSeen: (pair: Pair) => boolean,
): Promise<void> {
  const [primary, standby] = await serveMany();
  const glances = new Set<string>();
  await until('the service glances at it', async () => {
    await obey(keepers);
    const { rows } = await root.query<{ at: string }>(
      `SELECT query_start::text AS at FROM pg_stat_activity
        WHERE application_name = 'pgaf monitor' AND state = 'idle' AND query LIKE '%json_build_array%'`,
    );
    for (const { at } of rows) glances.add(at);
    return glances.size > 2;
  });
  expect([primary.state, standby.state]).toEqual(['primary', 'secondary']);
  const { left } = await change({ primary, standby });
  await until('it is seen', async () => {
    await obey(left);
    return isSeen({ primary, standby });
  });
}

const goesOnAlone = ({ primary }: Pair) => primary.state === 'wait_primary';

test('a node of many whose Postgres ends while it rests is seen', async () => {
  await afterRest(async ({ primary, standby }) => {
    await standby.report({ running: false });
    return { left: [primary] };
  }, goesOnAlone);
});

test('a node of many that falls silent while it rests is seen', async () => {
  await afterRest(async ({ primary, standby }) => {
    await standby.postgres.close();
    return { left: [primary] };
  }, goesOnAlone);
});

test('a node of many whose Postgres answers only its keeper while it rests is seen', async () => {
  monitor.settings = { ...monitor.settings, badHealthAfter: 100 };
  await afterRest(async ({ primary, standby }) => {
    await standby.postgres.close();
    return { left: [primary, standby] };
  }, goesOnAlone);
});

test('a node of many whose session ends while it rests is seen', async () => {
  await afterRest(async ({ primary, standby }) => {
    await Promise.all([standby.postgres.close(), standby.client.end()]);
    return { left: [primary] };
  }, goesOnAlone);
});

test('while there is no service all is notified, and nothing is written down that nobody takes', async () => {
  const [primary] = await serveMany();
  const [service] = monitor.services;
  await service?.stop();
  await until('who waits for news is gone', async () => !(await looks()));
  heard.length = 0;
  await primary.report({ running: false });
  await root.query(
    `SELECT pgautofailover_private.announce(n, 'something happens') FROM pgautofailover.node n`,
  );
  await until('both', () => inbox().length > 0 && heard.some(({ payload }) => payload.startsWith('{')));
  expect(await written()).toEqual({ news: 0, announcements: 0 });
});

test('a service whose third session finds no place decides in one term, and is notified', async () => {
  monitor.manyNodes = 0;
  await root.query('ALTER SYSTEM SET max_connections = 12');
  await root.end();
  await monitor.restartPostgres();
  const client = await monitor.connect();
  await client.query('SELECT 1');
  root = await monitor.connectAsSuperuser();
  // All places but those of the writer and the eyes.
  const free = async () => {
    const { rows } = await root.query<{ free: number }>(
      `SELECT current_setting('max_connections')::int - count(*)::int AS free FROM pg_stat_activity
       WHERE backend_type = 'client backend'`,
    );
    return rows[0]?.free ?? NaN;
  };
  const taken: pg.Client[] = [];
  while ((await free()) > 2) taken.push(await monitor.connectAsSuperuser());
  const service = await monitor.serve();
  await until('the service misses its third session', () =>
    service.log.at('warn').some((line) => line.includes('News are not looked for yet')),
  );
  // One for it, and one for the command.
  for (const client of taken.splice(0, 2)) await client.end();
  const term = await service.ready;
  await client.query(`SELECT pgautofailover.create_formation('other', 'pgsql', 'postgres', true, 0)`);
  expect(await termOf(root)).toBe(term);
});

test('a service that looks goes on while its news are locked', async () => {
  const [primary] = await serveMany();
  const [service] = monitor.services;
  const term = await service?.ready;
  const locker = await monitor.connectAsSuperuser();
  await locker.query('BEGIN');
  await locker.query('LOCK pgautofailover_private.news IN ACCESS EXCLUSIVE MODE');
  await until('it says so', () =>
    service?.log.at('warn').some((line) => line.includes('News are not taken')),
  );
  await locker.query('COMMIT');
  await failover();
  await awaitDraining(primary);
  expect(await termOf(root)).toBe(term);
});

test('a crash of Postgres loses what is written down and no decision', async () => {
  const [primary] = await serveMany();
  const [service] = monitor.services;
  const term = (await service?.ready) ?? Infinity;
  await monitor.killPostgres();
  root = await monitor.connectAsSuperuser();
  await until('another term', async () => (await termOf(root)) > term);
  await until('the service looks again', looks);
  const back = await primary.reconnected(monitor);
  await until('the order is taken', () =>
    failover().then(
      () => true,
      () => false,
    ),
  );
  await awaitDraining(back);

  await service?.stop();
  await root.query(`INSERT INTO pgautofailover_private.news VALUES ('group 0 default')`);
  await root.query(
    `INSERT INTO pgautofailover_private.announcement (channel, payload) VALUES ('state', 'lost')`,
  );
  expect(await written()).toEqual({ news: 1, announcements: 1 });
  await monitor.killPostgres();
  root = await monitor.connectAsSuperuser();
  expect(await written()).toEqual({ news: 0, announcements: 0 });
});

test('who waits for news goes on when there are some, and when its time is over', async () => {
  const waiting = root.query('CALL pgautofailover_private.await_news(60000)');
  const other = await monitor.connectAsSuperuser();
  await other.query(`INSERT INTO pgautofailover_private.news VALUES ('group 0 default')`);
  await waiting;
  await other.query('DELETE FROM pgautofailover_private.news');
  await root.query('CALL pgautofailover_private.await_news(20)');
});
