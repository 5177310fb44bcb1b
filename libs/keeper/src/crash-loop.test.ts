import { expect, test } from 'vitest';
import { localClient } from '@pgaf/postgres/query';
import { pause } from './pause.js';
import { QUICK_ATTEMPTS } from './restart-attempts.js';
import { atRest, killPostmaster, twoNodes, until, type TestNode } from './testing/test-nodes.js';

const never = new AbortController().signal;

/** Writes numbers to a node, and keeps those whose commits were acknowledged. */
function writeTo(node: TestNode) {
  const { socketDirectory, port } = node.config;
  const client = localClient({ socketDirectory, port, database: 'postgres', statementTimeoutMs: 0 });
  const writer = { on: true, acknowledged: [] as number[], ended: Promise.resolve() };
  const run = async (): Promise<void> => {
    for (let i = 1; writer.on; i += 1) {
      try {
        await client.query(`INSERT INTO t VALUES (${i})`);
        writer.acknowledged.push(i);
      } catch {
        await pause(1, never);
      }
    }
    await client.close();
  };
  writer.ended = run();
  return writer;
}

/** Kills each postmaster of the node that is written to as soon as it has acknowledged a commit, while it is on. */
function killEachStart(node: TestNode, writer: { readonly acknowledged: readonly number[] }) {
  const killer = { on: true, kills: 0, ended: Promise.resolve() };
  const run = async (): Promise<void> => {
    let before = 0;
    while (killer.on) {
      if (writer.acknowledged.length > before) {
        await killPostmaster(node);
        killer.kills += 1;
        before = writer.acknowledged.length;
      }
      await pause(2, never);
    }
  };
  killer.ended = run();
  return killer;
}

test('a Postgres that dies soon after each start is failed over, and nothing acknowledged is lost', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query('CREATE TABLE t (i int)');
  const writer = writeTo(first);
  await until('commits are acknowledged', monitor, () => writer.acknowledged.length >= 100);
  const killer = killEachStart(first, writer);
  try {
    await until('node 2 takes writes', monitor, () => monitor.node(2).reported === 'wait_primary');
  } finally {
    killer.on = false;
    writer.on = false;
    await Promise.all([killer.ended, writer.ended]);
  }
  // The first death may come late after the start, and then counts for nothing.
  expect([QUICK_ATTEMPTS, QUICK_ATTEMPTS + 1]).toContain(killer.kills);
  expect(monitor.group.epoch).toBe(2);

  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  const rows = await second.sql.query<{ i: number }>('SELECT i FROM t');
  const kept = new Set(rows.map(({ i }) => i));
  expect(writer.acknowledged.filter((i) => !kept.has(i))).toEqual([]);
});

test('a death is one restart, and so are two', async () => {
  const { monitor, first } = await twoNodes();
  for (let death = 1; death < QUICK_ATTEMPTS; death += 1) {
    await killPostmaster(first);
    await until(
      'Postgres is back',
      monitor,
      async () => (await first.sql.query('SELECT 1').catch(() => [])).length === 1,
    );
    await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  }
  expect(monitor.group.epoch).toBe(1);
});
