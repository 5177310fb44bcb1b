import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { retry } from '@pgaf/core/result';
import { formatLsn } from '@pgaf/core/lsn';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { baseEdgeTable, edgeKey } from '@pgaf/fsm/edge-table';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { expect, test } from 'vitest';
import type { RuleMonitor } from './testing/rule-monitor.js';
import {
  atRest,
  killNode,
  killPostmaster,
  startByHand,
  twoNodes,
  until,
  type TestNode,
} from './testing/test-nodes.js';

/** Its keepers take an order to promote, and do nothing for it. True once one did. */
async function holdOrder(node: TestNode): Promise<() => boolean> {
  const order = edgeKey('prepare_promotion', 'wait_primary');
  let isTaken = false;
  await node.end('handOff');
  node.edges = new Map(
    [...baseEdgeTable()].map(([key, edge]) =>
      key === order ? [key, { ...edge, steps: [{ do: 'plugin', kind: 'test', step: 'hold' }] }] : [key, edge],
    ),
  );
  node.part = {
    steps: {
      hold: async () => {
        isTaken = true;
        return retry('it is held');
      },
    },
  };
  node.run();
  return () => isTaken;
}

/**
 * What a promotion leaves that is cut off before its timeline counts: no signal file, and a history file. Somebody starts
 * Postgres, and it opens on the timeline that it was on.
 */
async function startAfterCutOff(node: TestNode, monitor: RuleMonitor): Promise<void> {
  const { pgdata } = node.config;
  await stopPostmaster(pgdata, { mode: 'immediate' });
  await rm(join(pgdata, 'standby.signal'));
  const end = formatLsn(monitor.node(node.id).report.facts.promise?.lsn ?? 0n);
  await writeFile(join(pgdata, 'pg_wal', '00000002.history'), `1\t${end}\tno recovery target specified\n`);
  await startByHand(node);
}

async function tables({ sql }: TestNode): Promise<readonly string[]> {
  const rows = await sql.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relname IN ('kept', 'unsent', 'alone', 'later') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

test(
  'after a promotion that was cut off Postgres is started before its keeper: two histories are never mixed',
  { timeout: 280_000 },
  async () => {
    const { monitor, first, second } = await twoNodes();
    const isTaken = await holdOrder(second);
    await until('the new keeper has reported', monitor, () => monitor.node(2).seen.session === 'open');
    await atRest(monitor, { 1: 'primary', 2: 'secondary' });
    await first.sql.query('CREATE TABLE kept AS SELECT 1 AS one');
    const [sender] = await first.sql.query<{ pid: number }>('SELECT pid FROM pg_stat_replication');
    await freezeAtRest(pidOf(sender));
    await first.sql.query('SET synchronous_commit = local');
    await first.sql.query('CREATE TABLE unsent AS SELECT 1 AS one');
    await killNode(first);
    await until('node 2 is to take over', monitor, isTaken);
    await second.end('handOff');
    second.edges = baseEdgeTable();
    const { promise } = monitor.node(2).report.facts;
    await startAfterCutOff(second, monitor);
    // More than the first one wrote that nobody else has.
    await second.sql.query('SET synchronous_commit = local');
    await second.sql.query('CREATE TABLE alone AS SELECT generate_series(1, 50000) AS i');

    second.run();
    await atRest(monitor, { 2: 'wait_primary' }, 90_000);
    const { promoted } = monitor.node(2).report.facts;
    expect(promoted).toMatchObject({ epoch: 2, switchpoint: promise?.lsn });
    expect(promoted?.tli).toBeGreaterThan(1);
    expect(await tables(second)).toEqual(['alone', 'kept']);
    // Its crash recovery knows no older timeline.
    await killPostmaster(second);
    await until('it has recovered', monitor, async () => {
      const rows = await second.sql.query('SELECT NOT pg_is_in_recovery() AS open').catch(() => []);
      return rows[0]?.['open'] === true;
    });

    first.run();
    await atRest(monitor, { 1: 'secondary', 2: 'primary' }, 90_000);
    await second.sql.query('CREATE TABLE later AS SELECT 1 AS one');
    await until('what is written now arrives', monitor, async () => (await tables(first)).includes('later'));
    expect(await tables(first)).toEqual(['alone', 'kept', 'later']);
    expect(await first.sql.query('SELECT count(*)::int AS n FROM alone')).toEqual([{ n: 50_000 }]);
  },
);
