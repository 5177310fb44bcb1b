import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadNextGlances, type Glance } from './glance-store.js';
import type { FakeKeeper } from './testing/fake-keeper.js';
import { formGroup } from './testing/formed-group.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let keepers: FakeKeeper[];
let root: pg.Client;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  const service = await monitor.serve();
  root = await monitor.connectAsSuperuser();
  keepers = await formGroup(monitor, 'default', ['a', 'b']);
  await until('both are seen as good', async () => (await glance())[0]?.well === true);
  // What is changed below is nobody's news.
  await service.stop();
  await root.query(`INSERT INTO pgautofailover.formation (formationid) VALUES ('empty');
    INSERT INTO pgautofailover.group_state (formationid, groupid) VALUES ('empty', 3)`);
}, 60_000);
afterAll(async () => {
  await monitor?.destroy();
  for (const { postgres } of keepers ?? []) await postgres.close();
});

const glance = (): Promise<readonly Glance[]> => loadNextGlances(root, null, 10);

test('a glance shows how many reports have come, and how old the last one is', async () => {
  const [before] = await glance();
  await keepers[1]?.report();
  await root.query(
    `UPDATE pgautofailover.node SET reporttime = reporttime - interval '1 minute' WHERE nodeid = 1`,
  );
  const [after] = await glance();
  expect(after).toMatchObject({ formation: 'default', group: 0, well: true });
  expect(after?.nodes.map(({ id }) => id)).toEqual([1, 2]);
  const [one, two] = after?.nodes ?? [];
  const [oneBefore, twoBefore] = before?.nodes ?? [];
  expect(one?.serial).toBe(oneBefore?.serial);
  expect(one?.age).toBeGreaterThan(60_000);
  expect(two?.serial).toBe((twoBefore?.serial ?? 0) + 1);
  expect(two?.age).toBeLessThan(60_000);
});

test('it goes on behind a group, and a group without nodes is not well', async () => {
  expect((await loadNextGlances(root, null, 1)).map(({ formation }) => formation)).toEqual(['default']);
  expect(await loadNextGlances(root, { formation: 'default', group: 0 }, 10)).toEqual([
    { formation: 'empty', group: 3, well: false, nodes: [] },
  ]);
});

test.each([
  `goalstate = 'catchingup'`,
  'reportedpgisrunning = false',
  'reportedpgisrunning = NULL',
  'health = 0',
  'health = -1',
  'healthrefused = true',
  `facts = '{"quietFor": 3000}'`,
  `facts = '{"quietFor": true}'`,
])('a node with %s is not well', async (change) => {
  await root.query('BEGIN');
  await root.query(`UPDATE pgautofailover.node SET ${change} WHERE nodeid = 2`);
  const [seen] = await glance();
  await root.query('ROLLBACK');
  expect(seen?.well).toBe(false);
  expect((await glance())[0]?.well).toBe(true);
});
