import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import { livingProcess, sendSignal } from '@pgaf/postgres/processes';
import { expect, test } from 'vitest';
import { twoNodes, until, type TestNode } from './testing/test-nodes.js';
import type { RuleMonitor } from './testing/rule-monitor.js';

/** One a second: more than it takes for one that hangs to be called so. */
const REPORTS = 14;

async function afterReports(monitor: RuleMonitor): Promise<void> {
  const before = monitor.reports.get(1) ?? 0;
  await until('the keeper reports on', monitor, () => (monitor.reports.get(1) ?? 0) >= before + REPORTS);
}

/** A client that has not said who it is. */
async function silentClient({ config }: TestNode): Promise<Socket> {
  const socket = connect(config.port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test('a Postgres that answers on any session does not hang, though it lets nobody in and is not seen to run', async () => {
  const { monitor, first } = await twoNodes();
  const observers = await first.sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_stat_wal_receiver%' AND pid <> pg_backend_pid()
        AND application_name = 'pgaf keeper'`,
  );
  const postmaster = await findPostmaster(first.config.pgdata);
  const frozen = [...observers.map(({ pid }) => livingProcess(pid)), postmaster].filter(
    (one) => one !== undefined,
  );
  expect(frozen).toHaveLength(2);
  for (const one of frozen) sendSignal(one, 'SIGSTOP');
  try {
    await afterReports(monitor);
    expect(monitor.node(1).report.facts.hangs).toBeUndefined();
    expect(first.lines.join('')).not.toContain('does not answer');
    expect(monitor.isAtRest({ 1: 'primary' })).toBe(true);
  } finally {
    for (const one of frozen) sendSignal(one, 'SIGCONT');
  }
});

test('where looks at Postgres wait for a lock, it does not hang, and clients that log in slowly are left alone', async () => {
  const { monitor, first } = await twoNodes();
  const client = await silentClient(first);
  let closed = false;
  client.once('close', () => (closed = true));
  try {
    await first.sql.query('BEGIN');
    // The view of the streams looks up who has logged in.
    await first.sql.query('LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE');
    await afterReports(monitor);
    expect(monitor.node(1).report.facts.hangs).toBeUndefined();
    expect(closed).toBe(false);
    expect(monitor.isAtRest({ 1: 'primary', 2: 'secondary' })).toBe(true);
  } finally {
    await first.sql.query('ROLLBACK');
    client.destroy();
  }
});
