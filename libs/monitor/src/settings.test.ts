import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let client: pg.Client;
let primary: FakeKeeper;
let standby: FakeKeeper;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  client = await monitor.connect();
  await monitor.serve();
  primary = await FakeKeeper.register(monitor, { name: 'a' });
  await primary.awaitGoal('single');
  await primary.publishSystemIdentifier();
  await primary.report({ state: 'single' });
  standby = await FakeKeeper.register(monitor, { name: 'b' });
  await standby.awaitGoal('wait_standby');
  await standby.report({ state: 'wait_standby' });
  await primary.awaitGoal('wait_primary');
  await primary.report({ state: 'wait_primary' });
  await standby.awaitGoal('catchingup');
  await standby.publishSystemIdentifier();
  await standby.report({ state: 'catchingup' });
  await standby.awaitGoal('secondary');
  await standby.report({ state: 'secondary' });
  await primary.awaitGoal('primary');
  await primary.report({ state: 'primary' });
}, 60_000);

afterAll(async () => {
  await monitor?.destroy();
});

/** Everything that a refused command could have changed. */
async function everything(): Promise<unknown> {
  const { rows } = await client.query(
    `SELECT (SELECT jsonb_agg(f) FROM pgautofailover.formation f) AS formations,
            (SELECT jsonb_agg(jsonb_build_array(nodeid, goalstate, candidatepriority, replicationquorum, region) ORDER BY nodeid)
               FROM pgautofailover.node) AS nodes,
            (SELECT jsonb_agg(jsonb_build_array(epoch, leader, settings_in_force)) FROM pgautofailover.group_state) AS groups`,
  );
  return rows;
}

test.each<[string, string]>([
  [`set_node_candidate_priority('default', 'b', 101)`, '22023'],
  [`set_node_candidate_priority('default', 'b', -1)`, '22023'],
  [`set_node_candidate_priority('default', 'b', NULL)`, '22004'],
  [`set_node_candidate_priority('default', 'nobody', 50)`, '42704'],
  [`set_node_candidate_priority('nowhere', 'b', 50)`, '42704'],
  [`set_node_replication_quorum('default', 'nobody', true)`, '42704'],
  [`set_node_replication_quorum('default', 'b', NULL)`, '22004'],
  [`set_node_region('default', 'b', '')`, '22023'],
  [`set_node_region('default', 'nobody', 'north')`, '42704'],
  [`set_formation_number_sync_standbys('default', 1)`, '22023'],
  [`set_formation_number_sync_standbys('default', -1)`, '22023'],
  [`set_formation_number_sync_standbys('default', NULL)`, '22004'],
  [`set_formation_number_sync_standbys('nowhere', 0)`, '22023'],
  [`set_formation_partition_policy('default', 'speed')`, '22023'],
  [`set_formation_partition_policy('default', NULL)`, '22004'],
  [`set_formation_partition_policy('nowhere', 'durability')`, '22023'],
])('%s is refused with %s, and nothing changes', async (call, code) => {
  const before = await everything();
  await expect(client.query(`SELECT pgautofailover.${call}`)).rejects.toMatchObject({ code });
  expect(await everything()).toEqual(before);
});

test('a priority is stored, announced, and taken in by way of apply_settings', async () => {
  const { rows } = await client.query(
    `SELECT pgautofailover.set_node_candidate_priority('default', 'b', 70)`,
  );
  expect(rows).toEqual([{ set_node_candidate_priority: true }]);
  await primary.awaitGoal('apply_settings');
  await primary.report({ state: 'apply_settings' });
  await primary.awaitGoal('primary');
  await primary.report({ state: 'primary' });
  const events = await client.query(
    `SELECT description FROM pgautofailover.last_events(20) WHERE description LIKE 'Setting %'`,
  );
  expect(events.rows).toEqual([
    {
      description: expect.stringMatching(/^Setting candidate priority of node 2 "b" \(.*\) to 70, from 50$/),
    },
  ]);
  const settings = await client.query(
    `SELECT value FROM pgautofailover.formation_settings() WHERE nodename = 'b' AND setting = 'candidate priority'`,
  );
  expect(settings.rows).toEqual([{ value: '70' }]);
});

test('a priority of 0 of the only standby is taken with a notice', async () => {
  const notices: string[] = [];
  const hear = ({ message }: { message?: string | undefined }): void => void notices.push(message ?? '');
  client.on('notice', hear);
  await client.query(`SELECT pgautofailover.set_node_candidate_priority('default', 'b', 0)`);
  client.off('notice', hear);
  expect(notices).toEqual([expect.stringContaining('only node 1 "a"')]);
  await primary.awaitGoal('apply_settings');
  await primary.report({ state: 'apply_settings' });
  await primary.awaitGoal('primary');
  await primary.report({ state: 'primary' });
});

test('a standby out of the quorum is no synchronous one', async () => {
  const names = async (): Promise<string> =>
    (await client.query('SELECT pgautofailover.synchronous_standby_names() AS names')).rows[0].names;
  expect(await names()).toBe('ANY 1 (pgautofailover_standby_2)');
  await client.query(`SELECT pgautofailover.set_node_replication_quorum('default', 'b', false)`);
  expect(await names()).toBe('');
  await primary.report({ state: 'apply_settings' });
  await primary.awaitGoal('primary');
  await primary.report({ state: 'primary' });
  await client.query(`SELECT pgautofailover.set_node_replication_quorum('default', 'b', true)`);
  expect(await names()).toBe('ANY 1 (pgautofailover_standby_2)');
});

test('a region is stored and announced', async () => {
  await client.query(`SELECT pgautofailover.set_node_region('default', 'b', 'north')`);
  const { rows } = await client.query('SELECT nodename, noderegion FROM pgautofailover.current_state()');
  expect(rows).toEqual([
    { nodename: 'a', noderegion: 'default' },
    { nodename: 'b', noderegion: 'north' },
  ]);
  await until('the event', async () => {
    const events = await client.query(
      `SELECT FROM pgautofailover.last_events(5) WHERE description LIKE 'Setting region of node 2%'`,
    );
    return events.rowCount === 1;
  });
});

test('a partition policy is stored, shown, and decides from then on', async () => {
  const stored = async () =>
    (
      await client.query(
        `SELECT value FROM pgautofailover.formation_settings() WHERE setting = 'partition_policy'`,
      )
    ).rows;
  expect(await stored()).toEqual([{ value: 'availability' }]);
  const asked = await client.query(
    `SELECT pgautofailover.set_formation_partition_policy('default', 'durability') AS done`,
  );
  expect(asked.rows).toEqual([{ done: true }]);
  expect(await stored()).toEqual([{ value: 'durability' }]);

  await primary.report({ state: 'primary' });
  await standby.report({ state: 'secondary', facts: { quietFor: 60_000 } });
  await until('the group to say what commits wait for', async () => {
    const { rows } = await client.query('SELECT waiting FROM pgautofailover.group_state');
    return String(rows[0].waiting).includes('commits wait for node 2');
  });
  await client.query(`SELECT pgautofailover.set_formation_partition_policy('default', 'availability')`);
  await standby.awaitGoal('catchingup');
});
