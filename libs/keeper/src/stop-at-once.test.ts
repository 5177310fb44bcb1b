import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { postmasterStatus } from '@pgaf/postgres/postmaster';
import { localClient } from '@pgaf/postgres/query';
import { newMonitor, newNode, twoNodes, until, atRest } from './testing/test-nodes.js';

test('an immediate stop waits for no checkpoint', async () => {
  const { monitor, first } = await twoNodes();
  const [checkpointer] = await first.sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
  );
  await freezeAtRest(pidOf(checkpointer));
  try {
    monitor.command({ kind: 'perform_failover' });
    await until('a checkpoint is asked for', monitor, async () => {
      const rows = await first.sql.query(`SELECT FROM pg_stat_activity WHERE query = 'CHECKPOINT'`);
      return rows.length > 0;
    });
    let ended = false;
    void first.end('immediate').then(() => (ended = true));
    await until('the keeper has ended', monitor, () => ended, 15_000);
  } finally {
    try {
      process.kill(pidOf(checkpointer), 'SIGCONT');
    } catch {
      // Postgres ended it with everything else.
    }
  }
});

test('a stop does not wait for a monitor that does not answer', async () => {
  const monitor = newMonitor();
  const real = monitor.link.bind(monitor);
  let unanswered: number | null = null;
  monitor.link = () => {
    const link = real();
    return {
      ...link,
      report: (report) => {
        if (unanswered === null) return link.report(report);
        unanswered += 1;
        return new Promise(() => undefined);
      },
    };
  };
  const node = await newNode(monitor);
  await node.create();
  await atRest(monitor, { 1: 'single' });
  unanswered = 0;
  await until('a report is under way', monitor, () => unanswered === 1);
  let ended = false;
  void node.end('immediate').then(() => (ended = true));
  await until('the keeper has ended', monitor, () => ended, 5000);
  await expect(node.sql.query('SELECT 1')).rejects.toThrow();
});

/** One expression of many long multiplications: for seconds Postgres does not look whether it is to end. */
const BUSY = `WITH long AS MATERIALIZED (SELECT repeat('9', 65000)::numeric AS x)
              SELECT ${Array.from({ length: 400 }, () => 'scale(x * x)').join(' + ')} FROM long`;

test('an immediate stop takes over from a fast one that a busy backend holds up', async () => {
  const monitor = newMonitor();
  const node = await newNode(monitor);
  await node.create();
  await atRest(monitor, { 1: 'single' });
  const { socketDirectory, port, pgdata } = node.config;
  const client = localClient({
    socketDirectory,
    port,
    database: 'postgres',
    applicationName: 'busy',
    statementTimeoutMs: 0,
  });
  const work = client.query(BUSY).catch(() => []);
  try {
    await until('a backend is busy', monitor, async () => {
      const rows = await node.sql.query(
        `SELECT FROM pg_stat_activity WHERE application_name = 'busy' AND state = 'active'`,
      );
      return rows.length === 1;
    });
    let ended = false;
    void node.end('orderly').then(() => (ended = true));
    await until(
      'the fast stop is under way',
      monitor,
      async () => (await postmasterStatus(pgdata)) === 'stopping',
    );
    expect(ended).toBe(false);
    void node.end('immediate');
    await until('the keeper has ended', monitor, () => ended, 2000);
    expect(await postmasterStatus(pgdata)).toBe('stopped');
  } finally {
    await work;
    await client.close();
  }
});
