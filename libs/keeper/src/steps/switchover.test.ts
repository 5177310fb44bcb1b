import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withGoal } from '@pgaf/fsm/group';
import { orderPromotion } from '@pgaf/fsm/settle';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import type { RuleMonitor } from '../testing/rule-monitor.js';
import { postgresProcessesOf, sendSignal } from '@pgaf/postgres/processes';
import { atRest, threeNodes, twoNodes, until, type TestNode } from '../testing/test-nodes.js';

const startOf = async ({ sql }: TestNode): Promise<string | undefined> =>
  (await sql.query<{ at: string }>('SELECT pg_postmaster_start_time()::text AS at'))[0]?.at;

/** Its walreceiver comes back no more until `thaw`: the process that would start it is frozen. */
async function endStream(first: TestNode, second: TestNode): Promise<{ thaw: () => void }> {
  const [startup] = await second.sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'`,
  );
  const pid = pidOf(startup);
  await freezeAtRest(pid);
  await first.sql.query('SELECT pg_terminate_backend(pid) FROM pg_stat_replication');
  return { thaw: () => void process.kill(pid, 'SIGCONT') };
}

/** A backend is killed, and the process that recovers from it is frozen as soon as it is there, until `thaw`. */
async function crashAndFreezeRecovery(node: TestNode): Promise<{ thaw: () => void }> {
  const [backend] = await node.sql.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const postmaster = Number(readFileSync(join(node.config.pgdata, 'postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(pidOf(backend), 'SIGKILL');
  const until = performance.now() + 10_000;
  while (performance.now() < until) {
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')
      .trim()
      .split(' ');
    const startup = children.find((pid) => pid !== '' && titleOf(pid).includes('startup'));
    if (startup === undefined) continue;
    process.kill(Number(startup), 'SIGSTOP');
    return { thaw: () => void process.kill(Number(startup), 'SIGCONT') };
  }
  throw new Error('Postgres did not begin to recover');
}

function titleOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** It is about to leave, and serves meanwhile. */
async function isDropping(monitor: RuleMonitor, first: TestNode): Promise<void> {
  monitor.command({ kind: 'remove_node', node: 1, force: false });
  const told = monitor.reports.get(1) ?? 0;
  await until('node 1 knows', monitor, () => first.keeper?.state.goal === 'dropped');
  await until('some reports since', monitor, () => (monitor.reports.get(1) ?? 0) > told + 2);
}

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
  const before = await startOf(first);
  const [receiver] = await second.sql.query<{ pid: number }>('SELECT pid FROM pg_stat_wal_receiver');
  await freezeAtRest(pidOf(receiver));
  try {
    // More than a target may still have to receive.
    await first.sql.query(
      `SET synchronous_commit = local; CREATE TABLE t AS SELECT repeat('x', 2000) AS x FROM generate_series(1, 15000)`,
    );
    monitor.command({ kind: 'perform_failover' });
    expect(monitor.node(1).goal).toBe('draining');
    await until('the primary stays', monitor, () => monitor.node(1).goal === 'primary');
    expect(await startOf(first)).toBe(before);
  } finally {
    process.kill(pidOf(receiver), 'SIGCONT');
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

test('a primary that is dropped serves until somebody who can take over streams again', async () => {
  const { monitor, first, second } = await twoNodes();
  const { thaw } = await endStream(first, second);
  try {
    await isDropping(monitor, first);
    await first.sql.query('SET synchronous_commit = local; CREATE TABLE t AS SELECT 1 AS i');
  } finally {
    thaw();
  }
  expect(await first.ended()).toBe('dropped');
  await atRest(monitor, { 2: 'single' });
  expect(await second.sql.query('SELECT i FROM t')).toEqual([{ i: 1 }]);
  expect(monitor.group.epoch).toBe(2);
});

test('the drop of a primary from which nobody streams is given up before anything stops', async () => {
  const { monitor, first, second } = await twoNodes();
  const before = await startOf(first);
  const { thaw } = await endStream(first, second);
  try {
    await isDropping(monitor, first);
    await until('the primary stays', monitor, () => monitor.node(1).goal !== 'dropped');
    expect(await startOf(first)).toBe(before);
  } finally {
    thaw();
  }
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(monitor.group.epoch).toBe(1);
});

test('for the drop of a primary one standby of several that streams is enough', async () => {
  const { monitor, nodes } = await threeNodes();
  const [first, second] = nodes;
  const { thaw } = await endStream(first, second);
  try {
    monitor.command({ kind: 'remove_node', node: 1, force: false });
    expect(await first.ended()).toBe('dropped');
    expect(monitor.events.join()).not.toContain('drop.stays');
  } finally {
    thaw();
  }
  await until('one of the others leads', monitor, () => monitor.group.epoch === 2);
});

test('a primary that waits to be dropped, and is told to end, stops in the time of any other one', async () => {
  const { monitor, first, second } = await twoNodes();
  const { thaw } = await endStream(first, second);
  try {
    await isDropping(monitor, first);
    await first.end('orderly');
    expect(monitor.events.join()).not.toContain('drop.stays');
  } finally {
    thaw();
  }
});

test('a primary whose Postgres is frozen is not asked who streams before it is dropped', async () => {
  const { monitor, first } = await twoNodes();
  // The monitor sees as much, and gives the drop of one that is lost to an election.
  monitor.seesNothing = true;
  await first.sql.close();
  for (const one of postgresProcessesOf(first.config.pgdata)) sendSignal(one, 'SIGSTOP');
  monitor.command({ kind: 'remove_node', node: 1, force: false });
  expect(await first.ended()).toBe('dropped');
});

test('a primary that was replaced before it heard of its drop stops at once, whoever streams from it', async () => {
  // Its host slept meanwhile, so that its lease is not over by its own clock.
  const { monitor, first, second } = await twoNodes({ leaseLength: 60_000 });
  monitor.unreachable.add(1);
  monitor.order((group) => withGoal(withGoal(group, 1, 'draining'), 2, 'prepare_promotion'));
  await atRest(monitor, { 2: 'prepare_promotion' });
  monitor.order((group) => withGoal(withGoal(orderPromotion(group, 2), 1, 'demoted'), 2, 'wait_primary'));
  await atRest(monitor, { 2: 'wait_primary' });
  monitor.command({ kind: 'remove_node', node: 1, force: false });
  monitor.unreachable.delete(1);
  await until('node 1 is gone', monitor, () => monitor.group.nodes.every(({ id }) => id !== 1), 20_000);
  expect(await first.ended()).toBe('dropped');
  await atRest(monitor, { 2: 'single' });
  expect(await second.sql.query('SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: false }]);
});

test('so does one whose successor was given up before it came back', async () => {
  const { monitor, first } = await twoNodes({ leaseLength: 60_000 });
  monitor.unreachable.add(1);
  monitor.order((group) => ({
    ...withGoal(withGoal(group, 1, 'dropped'), 2, 'maintenance'),
    epoch: 2,
    leader: null,
  }));
  monitor.unreachable.delete(1);
  expect(await first.ended()).toBe('dropped');
});

test('the drop of a primary that recovers from a crash is given up, and says so', async () => {
  const { monitor, first } = await twoNodes();
  // What it would see gives the drop of one that is lost to an election.
  monitor.seesNothing = true;
  const { thaw } = await crashAndFreezeRecovery(first);
  try {
    await isDropping(monitor, first);
    await until('the primary stays', monitor, () => monitor.node(1).goal !== 'dropped');
    expect(first.lines.join('')).toContain('Postgres recovers from a crash');
  } finally {
    thaw();
    monitor.seesNothing = false;
  }
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});

test('an old primary that stopped with nothing of its own follows the new one without a checkpoint there', async () => {
  const { monitor, second } = await twoNodes();
  const [checkpointer] = await second.sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`,
  );
  await freezeAtRest(pidOf(checkpointer));
  try {
    monitor.command({ kind: 'perform_failover' });
    await until('node 1 follows node 2', monitor, () => monitor.node(1).reported === 'secondary');
    expect(monitor.node(2).reported).toBe('wait_primary');
  } finally {
    process.kill(pidOf(checkpointer), 'SIGCONT');
  }
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
});
