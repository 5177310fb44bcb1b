import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
import { pidOf } from '@pgaf/core/testing/pid-of';
import type { GroupSnapshot, NodeSnapshot } from '@pgaf/plugin-api';
import { expect, test } from 'vitest';
import { atRest, killNode, newNode, threeNodes, twoNodes, until } from './testing/test-nodes.js';

test('a primary whose commits wait for standbys that are all gone takes in a new one', async () => {
  const { monitor, nodes } = await threeNodes();
  const [, second, third] = nodes;
  const settings = () => monitor.group.settingsInForce;
  await killNode(second);
  await killNode(third);
  await until(
    'both are lost',
    monitor,
    () => monitor.isAtRest({ 1: 'primary' }) && monitor.node(3).goal !== 'secondary',
  );
  const fourth = await newNode(monitor);
  await fourth.create();
  await atRest(monitor, { 1: 'primary', 4: 'secondary' });
  await until('the setting with the new one is confirmed', monitor, () => settings().length === 1);
  expect(settings()).toMatchObject([{ required: 1, members: [2, 3, 4] }]);
});

test('the node of the highest priority receives what it lacks first, the others follow by reload', async () => {
  const { monitor, nodes } = await threeNodes(50, 90, 0);
  const [first, second, third] = nodes;
  // What comes now is sent to the other one only.
  const [sender] = await first.sql.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_replication WHERE application_name = 'pgautofailover_standby_2'`,
  );
  await freezeAtRest(pidOf(sender));
  await first.sql.query('CREATE TABLE t AS SELECT 1 AS n');
  const [before] = await third.sql.query<{ at: string }>('SELECT pg_postmaster_start_time()::text AS at');
  await killNode(first);
  await atRest(monitor, { 2: 'primary', 3: 'secondary' });
  expect(monitor.events).toContain('2 is fast_forward');
  expect(await second.sql.query('SELECT n FROM t')).toEqual([{ n: 1 }]);
  expect(await third.sql.query('SELECT pg_postmaster_start_time()::text AS at')).toEqual([before]);
  first.run();
  await atRest(monitor, { 1: 'secondary', 2: 'primary', 3: 'secondary' });
});

test('who has promised for an epoch whose leader was given up promises for the next one', async () => {
  const { monitor, first } = await twoNodes();
  await killNode(first);
  const left = (change: Partial<GroupSnapshot>, node: Partial<NodeSnapshot>): void =>
    monitor.order((group) => ({
      ...group,
      ...change,
      nodes: group.nodes.filter(({ id }) => id === 2).map((each) => ({ ...each, ...node })),
    }));
  left({ leader: null }, { goal: 'report_lsn', candidatePriority: 0 });
  const promised = (epoch: number): Promise<void> =>
    until(
      `a promise for epoch ${epoch}`,
      monitor,
      () => monitor.node(2).report.facts.promise?.epoch === epoch,
    );
  await promised(2);
  left({ epoch: 2 }, {});
  await promised(3);
  left({}, { candidatePriority: 50 });
  await atRest(monitor, { 2: 'single' });
  expect(monitor.group.epoch).toBe(3);
});
