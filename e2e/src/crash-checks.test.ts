import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@pgaf/testing/deadline';
import type { Member } from '@pgaf/testing/formation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onNode } from './connect-to.js';
import { Lane } from './crash/lane.js';
import { OPERATIONS } from './crash/operations.js';
import { NO_FAULT } from './crash/run-operation.js';

/** What the crash runs look for is planted, so that they are known to find it. */
let lane: Lane;
beforeAll(async () => {
  lane = await Lane.open();
  await lane.reach('two');
});
afterAll(() => lane?.close());

async function on(node: Member, sql: string): Promise<void> {
  await onNode(node, (client) => client.query(sql));
}

function switchover(): Promise<unknown> {
  const operation = OPERATIONS.find(({ name }) => name === 'switchover');
  if (!operation) throw new Error('there is no switchover');
  return lane.play(operation, NO_FAULT);
}

it('finds slots, files and processes that were left behind', async () => {
  const primary = await lane.stage.formation.primary();
  const file = join(primary.host.pgdata, 'global', '.pg_hba.conf.pgaf-new');
  await on(primary, "SELECT pg_create_physical_replication_slot('forgotten')");
  writeFileSync(file, '');
  const ofPostgres = join(primary.host.pgdata, 'pg_stat', 'cut-off.stat.tmp');
  writeFileSync(ofPostgres, '');
  const process = spawn('sleep', ['300'], { cwd: primary.host.directory });
  try {
    const violation = await switchover().catch(String);
    expect(violation).toContain('left behind');
    expect(violation).toMatch(/slots of node_\d: .*forgotten/);
    expect(violation).toContain(file);
    expect(violation).not.toContain(ofPostgres);
    expect(violation).toMatch(/process \d+ on node_\d: sleep 300/);
  } finally {
    process.kill('SIGKILL');
    rmSync(file);
    rmSync(ofPostgres, { force: true });
    await on(primary, "SELECT pg_drop_replication_slot('forgotten')");
  }
});

it('finds a row that is lost, and one that is there twice', async () => {
  const primary = await lane.stage.formation.primary();
  await on(primary, 'INSERT INTO ledger (id) VALUES (2); DELETE FROM ledger WHERE id = 1');
  const violation = await switchover().catch(String);
  expect(violation).toContain('rows lost: 1\n');
  expect(violation).toContain('rows duplicated: 2\n');
});

it('finds a second node that takes writes', async () => {
  expect(lane.writable.faults()).toEqual([]);
  // Its keeper may stop it before Postgres would answer that it is promoted.
  await on(await lane.stage.formation.standby(), 'SELECT pg_promote(wait => false)');
  await until({ what: 'two primaries', deadlineMs: 30_000 }, () => lane.writable.faults().length > 0);
});
