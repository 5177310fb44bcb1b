import type pg from 'pg';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeHealth } from './health-store.js';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until } from './testing/test-monitor.js';

const HEALTHY = { health: 1, healthrefused: false };
const DOWN = { health: 0, healthrefused: true };

let monitor: TestMonitor;
let keeper: FakeKeeper;

beforeEach(async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  keeper = await FakeKeeper.register(monitor);
  await until('the node is single', () => keeper.obey());
  const root = await monitor.connectAsSuperuser();
  await until('it is seen as healthy', async () => (await seen(root)).health === 1);
  await service.stop();
  // What a crash goes back to.
  await root.query('CHECKPOINT');
}, 60_000);
afterEach(async () => {
  await monitor?.destroy();
  await keeper?.postgres.close().catch(() => undefined);
});

async function seen(client: pg.Client): Promise<typeof HEALTHY> {
  const { rows } = await client.query('SELECT health, healthrefused FROM pgautofailover.node');
  return rows[0];
}

/** What a commit did not wait for goes to the disk with the next one that does, or by this process. */
async function freezeWalWriter(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'`,
  );
  await freezeAtRest(pidOf(rows[0]));
}

async function goDown(client: pg.Client): Promise<void> {
  await freezeWalWriter(client);
  await keeper.postgres.close();
  await writeHealth(client, [{ node: keeper.id, health: 'bad', refused: true, reason: 'refused' }]);
  expect(await seen(client)).toEqual(DOWN);
}

test('what a crash of the monitor takes of what checks saw is seen again by the next check', async () => {
  await goDown(await monitor.connectAsSuperuser());
  await monitor.killPostgres();
  const after = await monitor.connectAsSuperuser();
  expect(await seen(after)).toEqual(HEALTHY);
  await monitor.serve();
  await until('it is seen as it is', async () => (await seen(after)).health === 0);
  expect(await seen(after)).toEqual(DOWN);
});

test('what a decision was made of outlives a crash as the decision does', async () => {
  const client = await monitor.connectAsSuperuser();
  await goDown(client);
  await client.query(`UPDATE pgautofailover.group_state SET waiting = '{decided}'`);
  await monitor.killPostgres();
  expect(await seen(await monitor.connectAsSuperuser())).toEqual(DOWN);
});
