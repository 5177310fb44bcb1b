import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { findPostmaster } from '@pgaf/postgres/find-postmaster';
import { livingProcess, sendSignal } from '@pgaf/postgres/processes';
import { localClient, QueryError, type LocalClient } from '@pgaf/postgres/query';
import { expect, onTestFinished, test } from 'vitest';
import { atRest, twoNodes, until, type TestNode } from './testing/test-nodes.js';
import type { RuleMonitor } from './testing/rule-monitor.js';

/** One a second: more than it takes for one that hangs to be called so. */
const REPORTS = 14;
/** More than a Postgres that is down is given to come back. */
const MANY_REPORTS = 26;

async function afterReports(monitor: RuleMonitor, count = REPORTS): Promise<void> {
  const before = monitor.reports.get(1) ?? 0;
  await until('the keeper reports on', monitor, () => (monitor.reports.get(1) ?? 0) >= before + count);
}

/** Takes each connection that a superuser can have, and lets go of them at the end of the test. */
async function crowd({ config }: TestNode): Promise<LocalClient[]> {
  const { socketDirectory, port } = config;
  const crowded: LocalClient[] = [];
  onTestFinished(() => leave(crowded));
  for (;;) {
    const client = localClient({ socketDirectory, port, database: 'postgres', statementTimeoutMs: 5000 });
    try {
      await client.query('SELECT 1');
    } catch (error) {
      if (error instanceof QueryError && error.sqlState === '53300') return crowded;
      throw error;
    }
    crowded.push(client);
  }
}

async function leave(clients: readonly LocalClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

async function startOf({ sql }: TestNode): Promise<unknown> {
  return (await sql.query('SELECT pg_postmaster_start_time()::text AS at'))[0]?.['at'];
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
  for (const { pid } of observers) await freezeAtRest(pid);
  process.kill(pidOf(postmaster), 'SIGSTOP');
  try {
    await afterReports(monitor);
    expect(monitor.node(1).report.facts.hangs).toBeUndefined();
    expect(first.lines.join('')).not.toContain('does not answer');
    expect(monitor.isAtRest({ 1: 'primary' })).toBe(true);
  } finally {
    for (const one of frozen) sendSignal(one, 'SIGCONT');
  }
});

test('where looks at Postgres wait for a lock, it neither hangs nor is down, and clients that log in slowly are left alone', async () => {
  const { monitor, first } = await twoNodes();
  const client = await silentClient(first);
  let closed = false;
  client.once('close', () => (closed = true));
  try {
    await first.sql.query('BEGIN');
    // The view of the streams looks up who has logged in.
    await first.sql.query('LOCK TABLE pg_authid IN ACCESS EXCLUSIVE MODE');
    await afterReports(monitor, MANY_REPORTS);
    expect(monitor.node(1).report.facts.hangs).toBeUndefined();
    expect(monitor.node(1).report.postgresRunning).toBe(true);
    expect(closed).toBe(false);
    expect(monitor.isAtRest({ 1: 'primary', 2: 'secondary' })).toBe(true);
  } finally {
    await first.sql.query('ROLLBACK');
    client.destroy();
  }
});

test('a Postgres that has no connection left for a keeper that is new is not taken for one that is down', async () => {
  const { monitor, first } = await twoNodes();
  const started = await startOf(first);
  const clients = await crowd(first);
  await first.end('handOff');
  const others = await crowd(first);
  expect(others.length, 'those that were the keeper’s').toBeGreaterThan(1);
  first.run();
  await afterReports(monitor, MANY_REPORTS);
  expect(monitor.node(1).report).toMatchObject({
    postgresRunning: true,
    facts: { waitingFor: expect.stringContaining('too many clients') },
  });
  expect(monitor.isAtRest({ 1: 'primary', 2: 'secondary' }), monitor.states()).toBe(true);
  await leave([...clients, ...others]);
  await until(
    'its keeper sees it',
    monitor,
    () => monitor.node(1).report.facts.waitingFor === undefined && first.keeper?.waitingFor === null,
  );
  expect(await startOf(first)).toBe(started);
  expect(monitor.group.epoch).toBe(1);
});

test('a primary without a free connection keeps its lease by its standbys while the monitor is away', async () => {
  const { monitor, first } = await twoNodes();
  const started = await startOf(first);
  await crowd(first);
  monitor.unreachable.add(1);
  await afterReports(monitor);
  expect(first.lines.join('')).not.toContain('The lease of this primary is over');
  monitor.unreachable.delete(1);
  await until('it is heard again', monitor, () => first.lines.join('').includes('The monitor answers again'));
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(await startOf(first)).toBe(started);
  expect(monitor.group.epoch).toBe(1);
});

test('a primary without a free connection hands over', async () => {
  const { monitor, first } = await twoNodes();
  const clients = await crowd(first);
  monitor.command({ kind: 'perform_failover' });
  await until('node 2 takes writes', monitor, () => monitor.node(2).reported === 'wait_primary');
  await leave(clients);
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
});

test('a Postgres into which each login takes longer than a look is seen to run', async () => {
  const { monitor, first } = await twoNodes();
  const started = await startOf(first);
  await first.sql.query('ALTER SYSTEM SET pre_auth_delay = 2');
  await first.sql.query('SELECT pg_reload_conf()');
  await until('it has read that', monitor, async () => {
    const [row] = await first.sql.query<{ pre_auth_delay: string }>('SHOW pre_auth_delay');
    return row?.pre_auth_delay === '2s';
  });
  await first.end('handOff');
  first.run();
  await afterReports(monitor, MANY_REPORTS);
  expect(monitor.node(1).report.postgresRunning).toBe(true);
  expect(monitor.node(1).report.facts.streams, 'as Postgres shows them').toEqual([2]);
  expect(await startOf(first)).toBe(started);
  expect(monitor.group.epoch).toBe(1);
});
