import { expect, test } from 'vitest';
import { atRest, twoNodes, until } from '../testing/test-nodes.js';

test('a switchover to a standby that gets no nearer is given up before anything stops', async () => {
  const { monitor, first, second } = await twoNodes();
  // What would end the stream after a while is out of the way.
  await first.sql.query('ALTER SYSTEM SET wal_sender_timeout = 0');
  await first.sql.query('SELECT pg_reload_conf()');
  // Nor is the standby given up, however long the rows below take.
  monitor.order((group) => ({
    ...group,
    formation: { ...group.formation, partitionPolicy: 'durability' },
  }));
  const startedAt = async () =>
    (await first.sql.query<{ at: string }>('SELECT pg_postmaster_start_time()::text AS at'))[0]?.at;
  const before = await startedAt();
  const [receiver] = await second.sql.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver');
  process.kill(receiver?.pid ?? 0, 'SIGSTOP');
  try {
    // More than a target may still have to receive.
    await first.sql.query(
      `SET synchronous_commit = local; CREATE TABLE t AS SELECT repeat('x', 2000) AS x FROM generate_series(1, 15000)`,
    );
    monitor.command({ kind: 'perform_failover' });
    expect(monitor.node(1).goal).toBe('draining');
    await until('the primary stays', monitor, () => monitor.node(1).goal === 'primary');
    expect(await startedAt()).toBe(before);
  } finally {
    process.kill(receiver?.pid ?? 0, 'SIGCONT');
  }
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(monitor.group.epoch).toBe(1);

  // An order is refused for as long as the primary still tells that it gave up the one before.
  await until(
    'what was given up is forgotten',
    monitor,
    () => monitor.node(1).report.facts.abandoned === undefined,
  );
  monitor.command({ kind: 'perform_failover' });
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
});
