import { afterEach, expect, test } from 'vitest';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
const keepers: FakeKeeper[] = [];

afterEach(async () => {
  await Promise.all(keepers.splice(0).map((keeper) => keeper.postgres.close()));
  await monitor?.destroy();
});

async function served(): Promise<void> {
  monitor = await TestMonitor.create();
  await monitor.serve();
}

async function keeper(): Promise<FakeKeeper> {
  const made = await FakeKeeper.register(monitor);
  keepers.push(made);
  return made;
}

/** Two nodes that replicate, as their keepers would report them. */
async function pair(): Promise<[FakeKeeper, FakeKeeper]> {
  const one = await keeper();
  await one.report();
  await one.publishSystemIdentifier();
  await one.report({ state: 'single', facts: { epoch: 1, confirmedSetting: 1 } });
  const two = await keeper();
  await two.report({ state: 'wait_standby' });
  await one.awaitGoal('wait_primary');
  await one.report({ state: 'wait_primary' });
  await two.awaitGoal('catchingup');
  await two.publishSystemIdentifier();
  await two.report({ state: 'catchingup', facts: { epoch: 1 } });
  await until('the standby is to be secondary', async () => {
    await one.report();
    return (await two.report()).assigned_group_state === 'secondary';
  });
  await two.report({ state: 'secondary' });
  const { assignment } = await one.awaitGoal('primary');
  await one.report({
    state: 'primary',
    facts: { epoch: 1, confirmedSetting: assignment.setting?.version ?? 0 },
  });
  return [one, two];
}

test('a pause is stored, shown, told to the keeper and kept over a restart of the service', async () => {
  monitor = await TestMonitor.create();
  const first = await monitor.serve();
  const one = await keeper();
  const client = await monitor.connect();
  const paused = await client.query(`SELECT * FROM pgautofailover.pause_nodes('default', NULL, $1)`, [
    one.name,
  ]);
  expect(paused.rows).toEqual([{ node_id: String(one.id), name: one.name, changed: true }]);
  await first.stop();
  await monitor.serve();
  const again = await client.query(`SELECT * FROM pgautofailover.pause_nodes('default')`);
  expect(again.rows).toEqual([{ node_id: String(one.id), name: one.name, changed: false }]);

  const { assignment } = await one.report();
  expect(assignment.nodes).toEqual([expect.objectContaining({ id: one.id, paused: true })]);
  const state = await client.query(`SELECT paused FROM pgautofailover.current_state('default')`);
  expect(state.rows).toEqual([{ paused: true }]);
  await until('the group says so', async () => {
    const { rows } = await client.query('SELECT waiting FROM pgautofailover.group_state');
    return rows[0].waiting[0]?.includes('is paused: no failover without an order until `pgaf resume`');
  });

  await client.query(`SELECT * FROM pgautofailover.resume_nodes('default', 0)`);
  const events = await client.query(
    `SELECT rule, description FROM pgautofailover.event WHERE rule LIKE 'operator.%' ORDER BY eventid`,
  );
  expect(events.rows).toEqual([
    { rule: 'operator.pause', description: expect.stringContaining(`paused node ${one.id} "${one.name}"`) },
    { rule: 'operator.resume', description: expect.stringContaining(`resumed node ${one.id}`) },
  ]);
});

test('a paused group is not failed over; after the end of the pause it is', async () => {
  await served();
  const [one, two] = await pair();
  const client = await monitor.connect();
  await client.query(`SELECT * FROM pgautofailover.pause_nodes('default', NULL, $1)`, [two.name]);
  await one.postgres.close();
  await one.client.end();
  await until('the monitor names what is wrong', async () => {
    await two.report();
    const { rows } = await client.query('SELECT waiting FROM pgautofailover.group_state');
    return rows[0].waiting.length === 2;
  });
  expect((await two.report()).assigned_group_state).toBe('secondary');
  await client.query(`SELECT * FROM pgautofailover.resume_nodes('default')`);
  await two.awaitGoal('prepare_promotion');
});

test('an explicit order is carried out in a paused group', async () => {
  await served();
  const [one] = await pair();
  const client = await monitor.connect();
  await client.query(`SELECT * FROM pgautofailover.pause_nodes('default')`);
  await client.query(`SELECT pgautofailover.perform_failover()`);
  await one.awaitGoal('draining');
});

test('a pause of nothing is refused by name', async () => {
  await served();
  await keeper();
  const client = await monitor.connect();
  const pause = (...about: unknown[]) =>
    client.query('SELECT * FROM pgautofailover.pause_nodes($1, $2, $3)', about);
  await expect(pause('gone', null, null)).rejects.toMatchObject({
    code: '42704',
    message: expect.stringContaining(`"gone" does not exist`),
  });
  await expect(pause('default', 0, 'gone')).rejects.toMatchObject({
    code: '42704',
    message: 'formation "default" has no node named "gone" in group 0',
  });
});
