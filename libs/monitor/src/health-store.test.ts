import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeHealth } from './health-store.js';
import { TestMonitor } from './testing/test-monitor.js';

let monitor: TestMonitor;
let client: pg.Client;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  client = await monitor.connectAsSuperuser();
  await client.query(
    `INSERT INTO pgautofailover.node (nodeid, groupid, nodename, nodehost, nodeport, reportedstate, health)
     SELECT n, n, 'node_' || n, '127.0.0.1', n, 'init', 1 FROM generate_series(1, 3) AS n`,
  );
});
afterAll(() => monitor?.destroy());

const good = (node: number) => ({ node, health: 'good', refused: false, reason: 'connected' }) as const;
const bad = (node: number) => ({ node, health: 'bad', refused: true, reason: 'refused' }) as const;

test('what checks saw is written with one commit, and what changed is told apart from what did not', async () => {
  const commits = async () => {
    const { rows } = await client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
    return Number(rows[0]?.id);
  };
  const before = await commits();
  const written = await writeHealth(client, [bad(3), good(1), bad(2), good(99)]);
  expect((await commits()) - before).toBe(2);
  expect(written).toEqual([
    { node: 1, formation: 'default', group: 1, change: 'none' },
    { node: 2, formation: 'default', group: 2, change: 'flip' },
    { node: 3, formation: 'default', group: 3, change: 'flip' },
  ]);
  const { rows } = await client.query(
    'SELECT health, healthrefused FROM pgautofailover.node ORDER BY nodeid',
  );
  expect(rows).toEqual([
    { health: 1, healthrefused: false },
    { health: 0, healthrefused: true },
    { health: 0, healthrefused: true },
  ]);
  const refusal = await writeHealth(client, [{ ...bad(2), refused: false }, bad(3)]);
  expect(refusal.map(({ change }) => change)).toEqual(['refusal', 'none']);
});

test('why a check told nothing is written, and is no news', async () => {
  const unknown = { node: 1, health: 'unknown', refused: false, reason: 'no descriptors' } as const;
  expect(await writeHealth(client, [unknown])).toEqual([]);
  const { rows } = await client.query(
    'SELECT health, healthproblem FROM pgautofailover.node WHERE nodeid = 1',
  );
  expect(rows).toEqual([{ health: 1, healthproblem: 'no descriptors' }]);
});
