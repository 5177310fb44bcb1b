import { mkdirSync, readdirSync, readlinkSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readControlData } from '@pgaf/postgres/control-data';
import { clearStandbyMode } from '@pgaf/postgres/standby';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { walFileName } from '@pgaf/postgres/wal-position';
import type { RuleMonitor } from '../testing/rule-monitor.js';
import { atRest, startByHand, threeNodes, twoNodes, until, type TestNode } from '../testing/test-nodes.js';

interface Pair {
  readonly monitor: RuleMonitor;
  readonly first: TestNode;
  readonly second: TestNode;
}

/** The first was the primary, and is in maintenance. */
async function pairWithOldPrimary(): Promise<Pair> {
  const pair = await twoNodes();
  pair.monitor.command({ kind: 'start_maintenance', node: 1 });
  await atRest(pair.monitor, { 1: 'maintenance', 2: 'wait_primary' });
  return pair;
}

async function comesBack(monitor: RuleMonitor): Promise<void> {
  monitor.command({ kind: 'stop_maintenance', node: 1 });
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
}

test.each([
  [
    'WAL of its last checkpoint',
    async ({ bindir, pgdata }: TestNode['config']) => {
      const { timeline, checkpointLsn, segmentSize } = await readControlData(bindir, pgdata);
      rmSync(join(pgdata, 'pg_wal', walFileName(timeline, checkpointLsn, segmentSize)));
    },
  ],
  [
    'pg_control',
    async ({ pgdata }: TestNode['config']) => truncateSync(join(pgdata, 'global', 'pg_control'), 0),
  ],
])('an old primary that has lost its %s is copied', async (_, lose) => {
  const { monitor, first } = await pairWithOldPrimary();
  await lose(first.config);
  await comesBack(monitor);
  expect(first.lines.join('')).toContain('a base backup is taken');
});

test('an old primary that lacks a tablespace gets it in its own place', async () => {
  const { monitor, first, second } = await pairWithOldPrimary();
  const theirs = join(second.config.socketDirectory, 'space');
  const own = join(first.config.socketDirectory, 'own-space');
  mkdirSync(theirs);
  await first.end('handOff');
  Object.assign(first.config, { tablespaceMapping: new Map([[theirs, own]]) });
  first.run();
  await second.sql.query(`CREATE TABLESPACE extra LOCATION '${theirs}'`);
  await second.sql.query('CREATE TABLE kept TABLESPACE extra AS SELECT 1 AS i');
  await comesBack(monitor);
  const links = join(first.config.pgdata, 'pg_tblspc');
  expect(readdirSync(links).map((name) => readlinkSync(join(links, name)))).toEqual([own]);
  expect(await first.sql.query('SELECT i FROM kept')).toEqual([{ i: 1 }]);
});

test('what was written by hand in a maintenance, with the keeper away, does not outlive it', async () => {
  const { monitor, nodes } = await threeNodes(90, 50, 90);
  const [first, second] = nodes;
  monitor.command({ kind: 'start_maintenance', node: 2 });
  await until('its maintenance', monitor, () => monitor.node(2).reported === 'maintenance');
  await second.end('handOff');
  const { pgdata } = second.config;
  await stopPostmaster(pgdata, { mode: 'fast' });
  await clearStandbyMode(pgdata);
  await startByHand(second);
  await second.sql.query(`SET synchronous_commit = local; CREATE TABLE alone AS SELECT 1 AS n`);
  await second.sql.close();
  await stopPostmaster(pgdata, { mode: 'fast' });
  // The others go on beyond it, and leave the timeline only then.
  await first.sql.query('CREATE TABLE t AS SELECT generate_series(1, 100000) AS n');
  monitor.command({ kind: 'perform_failover' });
  await until('node 3 leads', monitor, () => monitor.node(3).reported === 'primary');
  second.run();
  monitor.command({ kind: 'stop_maintenance', node: 2 });
  await atRest(monitor, { 1: 'secondary', 2: 'secondary', 3: 'primary' });
  expect(await second.sql.query(`SELECT to_regclass('alone')::text AS alone`)).toEqual([{ alone: null }]);
});
