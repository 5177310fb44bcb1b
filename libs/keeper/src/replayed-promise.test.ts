import { parseLsn } from '@pgaf/core/lsn';
import { withGoal } from '@pgaf/fsm/group';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import { expect, test } from 'vitest';
import { killNode, twoNodes, until, type TestNode } from './testing/test-nodes.js';

/** A commit that is on disk there is not replayed before so long has gone by. */
async function replayAfter(node: TestNode, delay: string): Promise<void> {
  await node.sql.query(`ALTER SYSTEM SET recovery_min_apply_delay = '${delay}'`);
  await node.sql.query('SELECT pg_reload_conf()');
}

async function waitsToReplay(node: TestNode): Promise<boolean> {
  const rows = await node.sql
    .query(
      `SELECT FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event = 'RecoveryApplyDelay'`,
    )
    .catch(() => []);
  return rows.length === 1;
}

test('who is started again promises nothing until all that it had received is replayed', async () => {
  const { monitor, first, second } = await twoNodes();
  await replayAfter(second, '1h');
  await until('a commit waits to be replayed', monitor, async () => {
    await first.sql.query('CREATE TABLE IF NOT EXISTS t AS SELECT 1 AS n');
    await first.sql.query('INSERT INTO t VALUES (2)');
    return waitsToReplay(second);
  });
  const [acknowledged] = await first.sql.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  // Nothing is decided but what the test orders.
  monitor.seesNothing = true;
  await first.end('handOff');
  await stopPostmaster(first.config.pgdata, { mode: 'immediate' });
  await killNode(second);

  monitor.order((group) => withGoal(group, 2, 'prepare_promotion'));
  second.run();
  await until('node 2 did as it was told', monitor, () => monitor.node(2).reported === 'prepare_promotion');
  await until('it has more to replay', monitor, () => waitsToReplay(second));
  const told = monitor.reports.get(2) ?? 0;
  await until('some reports since', monitor, () => (monitor.reports.get(2) ?? 0) > told + 3);
  expect(monitor.node(2).report.facts).toMatchObject({ promising: 2 });
  expect(monitor.node(2).report.facts.promise).toBeUndefined();

  await replayAfter(second, '0');
  await until('a promise', monitor, () => monitor.node(2).report.facts.promise?.epoch === 2);
  expect(monitor.node(2).report.facts.promise?.lsn).toBeGreaterThanOrEqual(parseLsn(acknowledged?.lsn ?? ''));
});
