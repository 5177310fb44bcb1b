import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SessionLook } from './session-look.js';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let root: pg.Client;
let keeper: FakeKeeper;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  root = await monitor.connectAsSuperuser();
  keeper = await FakeKeeper.register(monitor);
  await keeper.report();
  await service.stop();
  // Whose sessions begin and end when they like.
  await root.query('ALTER SYSTEM SET autovacuum = off');
  await root.query('SELECT pg_reload_conf()');
  await until('only those of this test are left', async () => {
    const { rowCount } = await root.query(
      `SELECT FROM pg_stat_activity WHERE backend_type LIKE 'autovacuum%'`,
    );
    return rowCount === 0;
  });
}, 60_000);
afterAll(async () => {
  await monitor?.destroy();
  await keeper?.postgres.close();
});

const absentOf = (absent: Awaited<ReturnType<SessionLook['look']>>) => absent && [...absent.keys()];

test('all nodes are looked for when a session has begun or ended, and now and then', async () => {
  const look = new SessionLook(root);
  expect(absentOf(await look.look(0))).toEqual([]);
  expect(look.dueAt).toBe(200);
  expect(await look.look(199)).toBeNull();
  expect(await look.look(200)).toBeNull();
  const guest = await monitor.connect();
  await guest.query('SELECT');
  expect(absentOf(await look.look(400))).toEqual([]);
  expect(await look.look(600)).toBeNull();
  expect(absentOf(await look.look(1400))).toEqual([]);
});

test('a node whose session has ended is found with the next look, and looked for until it is back', async () => {
  const look = new SessionLook(root);
  expect(absentOf(await look.look(0))).toEqual([]);
  await keeper.client.end();
  await expect
    .poll(
      async () =>
        (await root.query('SELECT FROM pg_stat_activity WHERE usename = $1', ['autoctl_node'])).rowCount,
    )
    .toBe(1);
  expect(absentOf(await look.look(200))).toEqual([keeper.id]);
  const back = await keeper.reconnected(monitor);
  expect(absentOf(await look.look(400))).toEqual([keeper.id]);
  await back.report();
  expect(absentOf(await look.look(600))).toEqual([]);
  expect(await look.look(800)).toBeNull();
});
