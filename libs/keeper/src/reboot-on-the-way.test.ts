import { readdirSync } from 'node:fs';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLsn, type Lsn } from '@pgaf/core/lsn';
import { withGoal } from '@pgaf/fsm/group';
import { orderPromotion } from '@pgaf/fsm/settle';
import { stayInRecovery } from '@pgaf/postgres/standby';
import { walFileName } from '@pgaf/postgres/wal-position';
import { expect, test } from 'vitest';
import type { Step } from '@pgaf/plugin-api';
import { readStateFile, writeStateFile } from './state-file.js';
import type { RuleMonitor } from './testing/rule-monitor.js';
import {
  atRest,
  killNode,
  newMonitor,
  newNode,
  startByHand,
  twoNodes,
  until,
  type TestNode,
} from './testing/test-nodes.js';

const SEGMENT = 16 << 20;

test('a primary whose host restarts before it has reached its goal comes back and reaches it', async () => {
  const monitor = newMonitor();
  const first = await newNode(monitor);
  await first.create();
  await atRest(monitor, { 1: 'single' });
  await killNode(first);
  const second = await newNode(monitor);
  await second.create();
  await until('node 1 is to become wait_primary', monitor, () => monitor.node(1).goal === 'wait_primary');
  first.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});

test('a node whose host restarts after its promotion, before it has said so, comes back as the primary', async () => {
  const { monitor, first, second } = await twoNodes();
  // Its Postgres is a primary, and its way is not done yet.
  const edge = second.edges.get('secondary->wait_primary');
  expect(edge).toBeDefined();
  await second.end('handOff');
  const stuck: Step = { do: 'plugin', kind: 'pgsql', step: 'wait' };
  second.edges = new Map(second.edges).set('secondary->wait_primary', {
    ...edge!,
    steps: edge!.steps.flatMap((step): Step[] => (step.do === 'promote' ? [step, stuck] : [step])),
  });
  second.part = { steps: { wait: async () => ({ tag: 'retry', reason: 'not yet' }) } };
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await until('a switchover begins', monitor, () => monitor.tryCommand({ kind: 'perform_failover' }));
  await until('node 2 is promoted', monitor, () => second.keeper?.state.promoted?.epoch === 2);
  await killNode(second);
  second.edges = new Map(second.edges).set('secondary->wait_primary', edge!);
  second.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(await first.sql.query('SELECT 1')).toHaveLength(1);
});

/** A switchover to node 2 whose keeper has its order, and has not begun to carry it out. */
async function orderedToPromote() {
  const { monitor, first, second } = await twoNodes();
  const edge = second.edges.get('secondary->wait_primary');
  expect(edge).toBeDefined();
  const unhindered = second.edges;
  await second.end('handOff');
  const stuck: Step = { do: 'plugin', kind: 'pgsql', step: 'wait' };
  second.edges = new Map(second.edges).set('secondary->wait_primary', {
    ...edge!,
    steps: [stuck, ...edge!.steps],
  });
  second.part = { steps: { wait: async () => ({ tag: 'retry', reason: 'not yet' }) } };
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await until('a switchover begins', monitor, () => monitor.tryCommand({ kind: 'perform_failover' }));
  await until('node 2 is ordered', monitor, () => second.keeper?.waitingFor === 'not yet');
  return { monitor, first, second, unhindered };
}

/** What a promotion leaves that dies between the history of its timeline and pg_control. */
async function cutOffInPostgres({ config: { pgdata } }: TestNode, lsn: Lsn): Promise<void> {
  const wal = join(pgdata, 'pg_wal');
  await rm(join(pgdata, 'standby.signal'));
  await copyFile(join(wal, walFileName(1, lsn, SEGMENT)), join(wal, walFileName(2, lsn, SEGMENT)));
  await writeFile(join(wal, '00000002.history'), `1\t${formatLsn(lsn)}\tno recovery target specified\n`);
}

test('a node whose promotion was cut off in Postgres takes writes on a timeline of its own', async () => {
  const { monitor, second, unhindered } = await orderedToPromote();
  const { lsn } = monitor.node(2).report;
  await killNode(second);
  await cutOffInPostgres(second, lsn);
  second.edges = unhindered;
  second.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(monitor.group.lineage.at(-1)).toMatchObject({ epoch: 2, tli: 3 });
});

test.each(['down', 'running'] as const)(
  'a node whose promotion was cut off in Postgres and given up follows when found %s',
  async (how) => {
    const { monitor, first, second, unhindered } = await orderedToPromote();
    await cutOffBeforeItCounts(monitor, second);
    if (how === 'running') {
      await stayInRecovery(second.config.pgdata);
      await startByHand(second);
    }
    orderBack(monitor);
    second.edges = unhindered;
    second.run();
    await untilFollowed(monitor, first, second);
  },
);

test('a node that has been seen on the timeline of a promotion that was given up follows', async () => {
  const { monitor, first, second, unhindered } = await orderedToPromote();
  await cutOffBeforeItCounts(monitor, second);
  // Its walreceiver shows it for as long as it asks the primary for that timeline.
  const { statePath } = second.config;
  writeStateFile(statePath, { ...readStateFile(statePath)!, tli: 2 });
  orderBack(monitor);
  second.edges = unhindered;
  second.run();
  await untilFollowed(monitor, first, second);
});

async function cutOffBeforeItCounts(monitor: RuleMonitor, second: TestNode): Promise<void> {
  const { lsn } = monitor.node(2).report;
  await killNode(second);
  await cutOffInPostgres(second, lsn);
}

/** The switchover is undone: node 1 opens again, and node 2 follows it. */
function orderBack(monitor: RuleMonitor): void {
  monitor.order((group) => withGoal(withGoal(orderPromotion(group, 1), 1, 'wait_primary'), 2, 'catchingup'));
}

async function untilFollowed(monitor: RuleMonitor, first: TestNode, second: TestNode): Promise<void> {
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(readdirSync(join(second.config.pgdata, 'pg_wal'))).not.toContain('00000002.history');
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS n');
  await until('node 2 replays', monitor, async () => {
    const rows = await second.sql.query('SELECT FROM pg_class WHERE relname = $1', ['t']);
    return rows.length === 1;
  });
}

test('a primary that is told to stop again before it has opened swears anew, and opens', async () => {
  const { monitor, first, second } = await twoNodes();
  const edge = first.edges.get('draining->wait_primary');
  expect(edge).toBeDefined();
  const unhindered = first.edges;
  await first.end('handOff');
  const stuck: Step = { do: 'plugin', kind: 'pgsql', step: 'wait' };
  first.edges = new Map(first.edges).set('draining->wait_primary', {
    ...edge!,
    steps: [stuck, ...edge!.steps],
  });
  first.part = { steps: { wait: async () => ({ tag: 'retry', reason: 'not yet' }) } };
  first.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  await killNode(second);
  monitor.order((group) => withGoal(group, 1, 'draining'));
  await until('node 1 is to open again', monitor, () => first.keeper?.waitingFor === 'not yet');
  monitor.order((group) => withGoal(group, 1, 'draining'));
  await until('node 1 is to open in another epoch', monitor, () => monitor.group.epoch > 2);
  await first.end('handOff');
  first.edges = unhindered;
  first.run();
  await atRest(monitor, { 1: 'wait_primary' });
  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});

test('a node that is promoted twice for one order tells where the epoch before was left', async () => {
  const { monitor, second, unhindered } = await orderedToPromote();
  const { lsn } = monitor.node(2).report;
  // Its keeper is killed before it has written down that this is done.
  await second.sql.query('SELECT pg_promote()');
  await second.sql.query('SET synchronous_commit = local; CREATE TABLE t AS SELECT 1 AS n');
  await killNode(second);
  second.edges = unhindered;
  second.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  const last = monitor.group.lineage.at(-1);
  expect(last).toMatchObject({ epoch: 2, tli: 3 });
  expect(formatLsn(last?.switchpoint ?? 0n)).toBe(formatLsn(lsn));
});

test('a Postgres whose promotion nobody saw end in good order is started anew', async () => {
  const { monitor, second, unhindered } = await orderedToPromote();
  const postmaster = 'SELECT pg_postmaster_start_time()::text AS since';
  const [before] = await second.sql.query<{ since: string }>(postmaster);
  // As its keeper leaves it that is killed alone, before it has written down that this is done.
  await second.end('handOff');
  await second.sql.query('SELECT pg_promote()');
  second.edges = unhindered;
  second.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  const [after] = await second.sql.query<{ since: string }>(postmaster);
  expect(after?.since).not.toBe(before?.since);
  expect(monitor.group.lineage.at(-1)).toMatchObject({ epoch: 2, tli: 2 });
});
