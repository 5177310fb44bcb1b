import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import { expect, test } from 'vitest';
import { postgresProcessesOf, sendSignal } from '@pgaf/postgres/processes';
import {
  atRest,
  killNode,
  newMonitor,
  newNode,
  twoNodes,
  until,
  type TestNode,
} from './testing/test-nodes.js';

async function freeze(node: TestNode): Promise<void> {
  await node.sql.close();
  for (const one of postgresProcessesOf(node.config.pgdata)) sendSignal(one, 'SIGSTOP');
}

test('a primary whose Postgres is frozen while its keeper lives is replaced, and follows its successor', async () => {
  const { monitor, first, second } = await twoNodes();
  await first.sql.query('CREATE TABLE kept AS SELECT 1 AS one');
  await freeze(first);
  await until('the keeper does not vouch for it', monitor, () => !monitor.node(1).report.postgresRunning);
  expect(first.lines.join('')).toContain('Postgres runs and does not answer');
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(await second.sql.query('SELECT one FROM kept')).toEqual([{ one: 1 }]);
  expect(monitor.group.epoch).toBe(2);
});

test('where nobody can take over, a frozen Postgres is started anew', async () => {
  const monitor = newMonitor();
  const node = await newNode(monitor, { leaseLength: 2500 });
  await node.create();
  await atRest(monitor, { 1: 'single' });
  const [before] = await node.sql.query('SELECT pg_postmaster_start_time()::text AS at');
  await freeze(node);
  await until('another postmaster answers', monitor, async () => {
    const [now] = await node.sql.query('SELECT pg_postmaster_start_time()::text AS at').catch(() => []);
    return now !== undefined && now['at'] !== before?.['at'];
  });
  await until('it is running', monitor, () => monitor.node(1).report.postgresRunning);
});

// Where pg_auto_failover waits for the end of the recovery without a bound.
test(
  'a standby whose recovery stands still takes over nevertheless, with all that it received',
  { timeout: 180_000 },
  async () => {
    const { monitor, first, second } = await twoNodes();
    const [startup] = await second.sql.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'`,
    );
    await freezeAtRest(pidOf(startup));
    await first.sql.query('CREATE TABLE kept AS SELECT 1 AS one');
    await killNode(first);
    await atRest(monitor, { 2: 'wait_primary' }, 120_000);
    expect(await second.sql.query('SELECT one FROM kept')).toEqual([{ one: 1 }]);
    expect(second.lines.join('')).toContain('its recovery does not end');
    expect(monitor.group.epoch).toBe(2);
  },
);
