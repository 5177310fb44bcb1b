import { expect, test } from 'vitest';
import { adoptPostmaster } from '@pgaf/postgres/postmaster';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import type { RuleMonitor } from './testing/rule-monitor.js';
import { atRest, startByHand, twoNodes, until, type TestNode } from './testing/test-nodes.js';

function setPaused(monitor: RuleMonitor, id: number, paused: boolean): void {
  monitor.order((group) => ({
    ...group,
    nodes: group.nodes.map((node) => (node.id === id ? { ...node, paused } : node)),
  }));
}

async function pause(monitor: RuleMonitor, node: TestNode): Promise<void> {
  setPaused(monitor, node.id, true);
  await until('the keeper knows', monitor, () => node.keeper?.state.paused === true);
}

async function stopByHand(node: TestNode): Promise<void> {
  await stopPostmaster(node.config.pgdata, { mode: 'fast' });
}

async function isRunning(node: TestNode): Promise<boolean> {
  const found = await adoptPostmaster(node.config.pgdata);
  found?.release();
  return found !== undefined;
}

/** Long enough for a keeper that would start it. */
async function staysStopped(monitor: RuleMonitor, node: TestNode): Promise<void> {
  await until('the node says so', monitor, () => !monitor.node(node.id).report.postgresRunning);
  const before = monitor.reports.get(node.id) ?? 0;
  await until('more reports', monitor, () => (monitor.reports.get(node.id) ?? 0) > before + 2);
  expect(await isRunning(node)).toBe(false);
}

test('a paused primary that is stopped by hand stays stopped, and is taken back as it is started by hand', async () => {
  const { monitor, first, second } = await twoNodes();
  await pause(monitor, first);
  await stopByHand(first);
  await staysStopped(monitor, first);
  await startByHand(first);
  await until('the node says so', monitor, () => monitor.node(1).report.postgresRunning);
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS i');
  setPaused(monitor, 1, false);
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(monitor.group.epoch).toBe(1);
  await until('the row', monitor, () => second.sql.query('TABLE t').then(Boolean, () => false));
});

test('at the end of its pause a primary that was stopped by hand is started, not failed over', async () => {
  const { monitor, first } = await twoNodes();
  await pause(monitor, first);
  await stopByHand(first);
  await staysStopped(monitor, first);
  setPaused(monitor, 1, false);
  await until('Postgres is back', monitor, () => monitor.node(1).report.postgresRunning);
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(monitor.group.epoch).toBe(1);
});

test('a paused standby that is stopped by hand holds up no commit and stays stopped', async () => {
  const { monitor, first, second } = await twoNodes();
  await pause(monitor, second);
  await stopByHand(second);
  await atRest(monitor, { 1: 'wait_primary' });
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS i');
  await staysStopped(monitor, second);
  expect(monitor.node(2)).toMatchObject({ reported: 'secondary', goal: 'catchingup' });
  expect(second.keeper?.waitingFor).toBe('this node is paused, and its Postgres is stopped');
  setPaused(monitor, 2, false);
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});

test('the keeper of a paused node leaves Postgres running when it is stopped, and remembers the pause', async () => {
  const { monitor, second } = await twoNodes();
  await pause(monitor, second);
  expect(await second.end('orderly')).toBe('stopped');
  expect(await isRunning(second)).toBe(true);
  await stopByHand(second);

  // Nobody tells it again.
  monitor.unreachable.add(2);
  second.run();
  const passes = new Promise<void>((resolve) => {
    let count = 0;
    second.keeper?.onPass(() => {
      if (++count === 3) resolve();
    });
  });
  await passes;
  expect(await isRunning(second)).toBe(false);
  monitor.unreachable.delete(2);
  await until('the keeper is heard again', monitor, () => monitor.node(2).seen.session === 'open');
  setPaused(monitor, 2, false);
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});
