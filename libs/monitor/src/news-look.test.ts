import type pg from 'pg';
import { processorTicks } from '@pgaf/postgres/processes';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NEWS_LOCK } from './advisory-locks.js';
import { Announcer } from './announcer.js';
import { Inbox } from './inbox.js';
import { NewsLook } from './news-look.js';
import { beginTerm } from './term.js';
import { LogBook } from './testing/log-book.js';
import { TestMonitor, until } from './testing/test-monitor.js';

/** Of `clock_t` in /proc, which is 100 a second for whoever reads it. */
const MS_OF_A_TICK = 10;

let monitor: TestMonitor;
let root: pg.Client;
let writer: pg.Client;
let watchers: pg.Client[];
let term: number;
let log: LogBook;
let inbox: Inbox;

beforeEach(async () => {
  monitor = await TestMonitor.create();
  root = await monitor.connectAsSuperuser();
  writer = await monitor.connectAsSuperuser();
  await writer.query('SET lock_timeout = 100');
  watchers = [];
  log = new LogBook();
  inbox = new Inbox();
  ({ term } = await beginTerm(root));
});
afterEach(() => monitor?.destroy());

async function connect(): Promise<pg.Client> {
  const watcher = await monitor.connectAsSuperuser();
  watchers.push(watcher);
  return watcher;
}

/** To whom any number of nodes is many, unless given. */
function newsLook(given: { connect?: () => Promise<pg.Client>; manyNodes?: number } = {}): NewsLook {
  const announcer = new Announcer(
    root,
    (error) => log.warn('not announced', { error }),
    () => inbox.wake(),
  );
  const about = { client: writer, term, inbox, announcer, logger: log };
  return new NewsLook({ ...about, connect, manyNodes: 0, ...given });
}

/** As the loop of the service does, until it is so. */
async function lookUntil(what: string, news: NewsLook, isSo: () => Promise<boolean>): Promise<void> {
  await until(`${what}; ${log.at('warn').join(' ')}`, async () => {
    await news.look(performance.now());
    return isSo();
  });
}

async function serviceLooks(): Promise<boolean> {
  const { rows } = await root.query<{ looks: boolean }>(
    'SELECT pgautofailover_private.service_looks() AS looks',
  );
  return rows[0]?.looks === true;
}

async function unread(): Promise<number> {
  const { rows } = await root.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM pgautofailover_private.news',
  );
  return rows[0]?.n ?? NaN;
}

const write = (n: number) =>
  root.query(
    `INSERT INTO pgautofailover_private.news SELECT 'group ' || i % 3 || ' default' FROM generate_series(1, $1) AS i`,
    [n],
  );

const taken = () => inbox.takeGroups().map(({ group }) => group);

test('news that are written down are taken, each group once, and the loop is woken for them', async () => {
  const news = newsLook();
  await lookUntil('it looks', news, serviceLooks);
  await until('it waits for news', async () => {
    await news.look(performance.now());
    const { rows } = await root.query(`SELECT FROM pg_stat_activity WHERE query LIKE 'CALL %await_news%'`);
    return rows.length === 1;
  });
  await inbox.wait(0);
  await root.query(`SELECT pgautofailover_private.tell_service('group 7 default')`);
  await root.query(`SELECT pgautofailover_private.tell_service('group 7 default')`);
  await inbox.wait(1e9);
  await lookUntil('they are taken', news, async () => (await unread()) === 0);
  expect(taken()).toEqual([7]);
});

test('a great many news are taken in pieces, one after another', async () => {
  const news = newsLook();
  await lookUntil('it looks', news, serviceLooks);
  await write(2500);
  const left: number[] = [];
  await lookUntil('all are taken', news, async () => {
    left.push(await unread());
    return left.at(-1) === 0;
  });
  expect(new Set(left.filter((n) => n < 2500))).toEqual(new Set([1500, 500, 0]));
  expect(taken().toSorted()).toEqual([0, 1, 2]);
});

test('what an earlier service has left is not read, however much it is', async () => {
  await write(2500);
  await newsLook().look(performance.now());
  expect([await unread(), taken()]).toEqual([0, []]);
});

test('what an earlier service has left and somebody reads is taken in pieces', async () => {
  await write(2500);
  await root.query('BEGIN');
  await root.query('LOCK pgautofailover_private.news IN ACCESS SHARE MODE');
  const news = newsLook();
  await news.look(performance.now());
  expect(await unread()).toBe(1500);
  await root.query('COMMIT');
  await lookUntil('all are taken', news, async () => (await unread()) === 0);
});

test('while no session can wait for news, all is notified, and it is said once; later one can', async () => {
  const refused = () => Promise.reject(new Error('too many clients already'));
  let open: () => Promise<pg.Client> = refused;
  const news = newsLook({ connect: () => open() });
  let now = performance.now();
  for (let i = 0; i < 3; i++) {
    await news.look((now += 10_000));
    await until('it is said', () => log.lines.length > 0);
  }
  expect([await serviceLooks(), log.lines.length]).toEqual([false, 1]);
  open = connect;
  await until('it looks', async () => {
    await news.look((now += 10_000));
    return serviceLooks();
  });
});

test('when the session that waits for news is lost, all is notified until there is another one', async () => {
  const news = newsLook();
  await lookUntil('it looks', news, serviceLooks);
  await write(1);
  await watchers[0]?.end();
  await until('all is notified', async () => !(await serviceLooks()));
  await lookUntil('it looks again', news, serviceLooks);
  expect(watchers).toHaveLength(2);
  await lookUntil('what was written down before is taken', news, async () => (await unread()) === 0);
  expect(log.lines).toEqual([]);
});

test('news that somebody has locked are taken when that ends, and meanwhile nothing else fails', async () => {
  const news = newsLook();
  await lookUntil('it looks', news, serviceLooks);
  await write(1);
  await root.query('BEGIN');
  await root.query('LOCK pgautofailover_private.news IN ACCESS EXCLUSIVE MODE');
  await until('it is said', async () => {
    await news.look(performance.now());
    return log.lines.length > 0;
  });
  await root.query('COMMIT');
  await lookUntil('it is taken', news, async () => (await unread()) === 0);
  expect(log.at('warn')).toEqual([expect.stringContaining('News are not taken')]);
});

test('with few nodes nobody waits for news, and what was left is announced', async () => {
  await write(1);
  const news = newsLook({ manyNodes: 1 });
  const heard: string[] = [];
  root.on('notification', ({ payload = '' }) => heard.push(payload));
  await root.query('LISTEN state');
  await root.query(
    `INSERT INTO pgautofailover_private.announcement (channel, payload) VALUES ('state', 'left')`,
  );
  await lookUntil('what was left is heard', news, async () => heard.length > 0);
  expect([heard, watchers, await unread()]).toEqual([['left'], [], 0]);
});

test('to share the lock of who waits for news keeps nobody from looking', async () => {
  await root.query('UPDATE pgautofailover.service SET looks_in_term = term');
  expect(await serviceLooks()).toBe(false);
  const { rowCount } = await root.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1`, [
    NEWS_LOCK[1],
  ]);
  expect(rowCount).toBe(0);
});

/** Looks within so long, ms, and what share of a processor they took. */
async function looksWithin(patience: number): Promise<{ looks: number; share: number }> {
  const watcher = await monitor.connectAsSuperuser();
  const { rows } = await watcher.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  const scans = async () => {
    const found = await root.query<{ n: number }>(
      `SELECT pg_stat_get_numscans('pgautofailover_private.news'::regclass)::int AS n`,
    );
    return found.rows[0]?.n ?? NaN;
  };
  const before = { scans: await scans(), ticks: processorTicks(pid) ?? NaN };
  await watcher.query('CALL pgautofailover_private.await_news($1)', [patience]);
  const ticks = (processorTicks(pid) ?? NaN) - before.ticks;
  await watcher.end();
  // It says what it did as it ends.
  await until('its end', async () => {
    const found = await root.query(`SELECT FROM pg_stat_activity WHERE query LIKE 'CALL %await_news%'`);
    return found.rows.length === 0;
  });
  return { looks: (await scans()) - before.scans, share: (ticks * MS_OF_A_TICK) / patience };
}

test('looks that have to pass over many dead rows are made more seldom', async () => {
  await root.query('ALTER TABLE pgautofailover_private.news SET (autovacuum_enabled = false)');
  const old = await monitor.connectAsSuperuser();
  await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await old.query('SELECT FROM pgautofailover.node');
  await write(400_000);
  await root.query('DELETE FROM pgautofailover_private.news');
  const patience = 2000;
  const { looks, share } = await looksWithin(patience);
  expect(looks).toBeGreaterThan(2);
  // A fifth, and what the clock of a kernel adds that counts by ticks.
  expect(share).toBeLessThan(0.3);
});
