import { expect, test } from 'vitest';
import { atRest, twoNodes, until } from './testing/test-nodes.js';

test('a slot that passes its bound is told of, and its standby is copied anew when it is back', async () => {
  const { monitor, first, second } = await twoNodes({ slotBound: '64MB' });
  const [row] = await first.sql.query<{ bound: string }>(
    `SELECT current_setting('max_slot_wal_keep_size') AS bound`,
  );
  expect(row?.bound).toBe('64MB');
  await second.end('orderly');
  await atRest(monitor, { 1: 'wait_primary' });
  // What is kept for everybody would serve the standby, too.
  await first.sql.query(`ALTER SYSTEM SET wal_keep_size = 0`);
  await first.sql.query('SELECT pg_reload_conf()');
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS i');
  for (let segment = 0; segment < 6; segment++) {
    await first.sql.query(`SELECT pg_logical_emit_message(false, 'test', 'x')`);
    await first.sql.query('SELECT pg_switch_wal()');
  }
  await first.sql.query('CHECKPOINT');
  const lost = (): boolean =>
    first.lines.some((line) => line.includes('slot "pgautofailover_standby_2" has lost WAL'));
  await until('the loss is told', monitor, lost);
  await until('a new slot is there', monitor, async () => {
    const slots = await first.sql.query(
      `SELECT FROM pg_replication_slots WHERE wal_status <> 'lost' AND slot_name = 'pgautofailover_standby_2'`,
    );
    return slots.length === 1;
  });

  second.run();
  await until('the standby has seen why it cannot follow', monitor, () =>
    second.lines.some((line) => line.includes('so this node is copied anew')),
  );
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(await second.sql.query('SELECT i FROM t')).toEqual([{ i: 1 }]);
  await until('all is well again', monitor, () => {
    const warnings = monitor.node(1).report.facts.warnings ?? [];
    return !warnings.some((warning) => warning.startsWith('slot'));
  });
});

test('a standby whose slot was lost beyond the bound and whose lag is large is copied anew, too', async () => {
  const { monitor, first, second } = await twoNodes({ slotBound: '64MB' });
  await second.end('orderly');
  await atRest(monitor, { 1: 'wait_primary' });
  await first.sql.query(`ALTER SYSTEM SET wal_keep_size = 0`);
  await first.sql.query('SELECT pg_reload_conf()');
  // More than a standby may lag behind and become secondary, so that its goal stays what it is.
  await first.sql.query(
    'CREATE TABLE t AS SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 150000) AS i',
  );
  await first.sql.query('CHECKPOINT');
  const lag = (): bigint => monitor.node(1).report.lsn - monitor.node(2).report.lsn;
  await until('the monitor knows the lag', monitor, () => lag() > 64n * 1024n * 1024n);
  second.run();
  await until('the standby has seen why it cannot follow', monitor, () =>
    second.lines.some((line) => line.includes('so this node is copied anew')),
  );
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});
