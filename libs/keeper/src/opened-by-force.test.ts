import { expect, test } from 'vitest';
import { stopPostmaster } from '@pgaf/postgres/stop-postmaster';
import type { RuleMonitor } from './testing/rule-monitor.js';
import { atRest, newMonitor, newNode, twoNodes, until, type TestNode } from './testing/test-nodes.js';

/** Nobody learns from it that it goes. */
async function losePower(node: TestNode): Promise<void> {
  await node.end('handOff');
  await stopPostmaster(node.config.pgdata, { mode: 'immediate' });
}

function forced({ lines }: TestNode): boolean {
  return lines.some((line) => line.includes('Postgres is opened by force'));
}

async function runByForce(monitor: RuleMonitor, node: TestNode): Promise<void> {
  const before = monitor.reports.get(node.id) ?? 0;
  node.opening = 'byForce';
  node.run();
  await until('it has asked', monitor, () => (monitor.reports.get(node.id) ?? 0) > before);
}

test('by force nothing is opened before the monitor was asked, which knows of a successor', async () => {
  const { monitor, first } = await twoNodes();
  await losePower(first);
  await until('node 2 takes writes', monitor, () => monitor.node(2).reported === 'wait_primary');
  monitor.distance = 300;
  await runByForce(monitor, first);
  await until('it has heard', monitor, () => first.keeper?.state.epoch === 2);
  monitor.distance = 0;
  await atRest(monitor, { 1: 'secondary', 2: 'primary' });
  expect(forced(first)).toBe(false);
  expect(first.keeper?.state.forcedAt).toBeNull();
});

test('once the monitor has said anything, a keeper that follows in its process opens nothing by force', async () => {
  const monitor = newMonitor();
  const node = await newNode(monitor);
  await node.create();
  await atRest(monitor, { 1: 'single' });
  await losePower(node);
  node.opening = 'byForce';
  node.run();
  await until('Postgres runs', monitor, () => node.sql.query('SELECT 1').then(Boolean, () => false));
  node.opening = node.keeper?.opening ?? 'byForce';
  await losePower(node);
  monitor.unreachable.add(1);
  node.run();
  await until('it waits', monitor, () => node.keeper?.waitingFor?.includes('to confirm') ?? false);
  expect(forced(node)).toBe(false);
});

test('by force a primary is opened when the monitor does not answer', async () => {
  const { monitor, first } = await twoNodes();
  monitor.seesNothing = true;
  await losePower(first);
  monitor.unreachable.add(1);
  first.opening = 'byForce';
  first.run();
  await until('it takes connections', monitor, () => first.sql.query('SELECT 1').then(Boolean, () => false));
  expect(forced(first)).toBe(true);
  monitor.seesNothing = false;
  monitor.unreachable.delete(1);
  const forcedAt = first.keeper?.state.forcedAt;
  expect(forcedAt).toEqual(expect.any(String));
  await until('the monitor knows', monitor, () => monitor.node(1).report.facts.forcedAt === forcedAt);
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
});
