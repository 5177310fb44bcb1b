import { expect, test } from 'vitest';
import type { RuleMonitor } from './testing/rule-monitor.js';
import { atRest, killNode, killPostmaster, twoNodes, until, type TestNode } from './testing/test-nodes.js';

/** Comes back from a backup, and hears nothing of node 2. */
function restoreMonitor(monitor: RuleMonitor): void {
  monitor.seesNothing = true;
  monitor.order((group) => ({
    ...group,
    restored: true,
    nodes: group.nodes.map((node) =>
      node.id === 1 ? node : { ...node, seen: { ...node.seen, session: 'unknown' as const } },
    ),
  }));
}

async function untilDoubted(monitor: RuleMonitor): Promise<void> {
  await until('the primary to know that it goes on by itself', monitor, () =>
    String(monitor.node(1).report.facts.waitingFor).includes('restored from a backup'),
  );
}

async function writes({ sql }: TestNode): Promise<boolean> {
  return sql.query('CREATE TABLE written_again ()').then(
    () => true,
    () => false,
  );
}

test('what a restored monitor says before it has heard of all nodes is no order', async () => {
  const { monitor, first, second } = await twoNodes();
  monitor.seesNothing = true;
  await second.end('handOff');
  monitor.order((group) => ({
    ...group,
    restored: true,
    nodes: group.nodes.map((node) =>
      node.id === 1
        ? { ...node, goal: 'demoted' }
        : { ...node, seen: { ...node.seen, session: 'unknown' as const } },
    ),
  }));
  await until('the primary to know that it goes on by itself', monitor, () =>
    String(monitor.node(1).report.facts.waitingFor).includes('restored from a backup'),
  );
  expect(monitor.node(1).goal).toBe('demoted');
  expect(first.keeper?.state.goal).toBe('primary');
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS i');

  second.run();
  await atRest(monitor, { 1: 'primary', 2: 'secondary' });
  expect(monitor.group).toMatchObject({ epoch: 1, restored: false });
});

test('a primary that waits for no standby is started again while the monitor is restored', async () => {
  const { monitor, first, second } = await twoNodes();
  await second.end('handOff');
  await killNode(second);
  await until('it waits for nobody', monitor, () => {
    const { reported, report } = monitor.node(1);
    return (
      reported === 'wait_primary' &&
      monitor.group.settingsInForce.length === 1 &&
      report.facts.confirmedSetting === monitor.group.settingsInForce[0]?.version
    );
  });
  restoreMonitor(monitor);
  await untilDoubted(monitor);
  await killPostmaster(first);
  await until('it takes writes again', monitor, () => writes(first));
  expect(monitor.group.restored).toBe(true);
});

test('a primary is started again by the word of its standbys while the monitor is restored', async () => {
  const { monitor, first, second } = await twoNodes();
  await second.end('handOff');
  restoreMonitor(monitor);
  await untilDoubted(monitor);
  await killPostmaster(first);
  await until('it takes writes again', monitor, () => writes(first));
  expect(monitor.group.restored).toBe(true);
});
