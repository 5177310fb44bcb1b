import type { JsonObject } from '@pgaf/core/json';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let client: pg.Client;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  client = await monitor.connect();
});

afterAll(async () => {
  await monitor?.destroy();
});

interface Explained {
  readonly epoch: number;
  readonly nodes: readonly JsonObject[];
  readonly failover: {
    readonly outlook: string;
    readonly node_id: number | null;
    readonly text: string;
    readonly ways: readonly { readonly do: string; readonly command: string | null }[][];
  };
}

async function explain(): Promise<Explained> {
  const { rows } = await client.query<{ groups: Explained[] }>('SELECT pgautofailover.explain() AS groups');
  const group = rows[0]?.groups[0];
  if (!group) throw new Error('nothing was explained');
  return group;
}

test('without a service it says so', async () => {
  await expect(client.query('SELECT pgautofailover.explain()')).rejects.toMatchObject({
    code: '57P03',
    message: expect.stringContaining('the monitor service is not running'),
  });
});

test('a formation or a group that is not there is refused', async () => {
  await monitor.serve();
  await expect(client.query(`SELECT pgautofailover.explain('nope')`)).rejects.toMatchObject({
    code: '42704',
    message: 'formation "nope" does not exist',
  });
  await expect(client.query(`SELECT pgautofailover.explain('default', 3)`)).rejects.toMatchObject({
    code: '42704',
    message: 'formation "default" has no group 3',
    hint: expect.stringContaining('show state'),
  });
});

test('a group that grows is explained at each step, with the rule that moved each node', async () => {
  const one = await FakeKeeper.register(monitor, { name: 'one' });
  await one.report();
  await one.publishSystemIdentifier();
  expect(await explain()).toMatchObject({
    epoch: 1,
    nodes: [{ node_name: 'one', rule: null, moved_at: null }],
  });
  await one.report({ state: 'single', facts: { epoch: 1, confirmedSetting: 1 } });
  expect((await explainedOnce(one, 'impossible')).failover.ways).toMatchObject([[{ do: 'addStandby' }]]);

  const two = await FakeKeeper.register(monitor, { name: 'two' });
  await two.report({ state: 'wait_standby' });
  await one.awaitGoal('wait_primary');
  await one.report({ state: 'wait_primary' });
  await two.awaitGoal('catchingup');
  await two.publishSystemIdentifier();
  const refused = 'password authentication failed for user "pgautofailover_replicator"';
  await two.report({ state: 'wait_standby', running: false, facts: { epoch: 1, waitingFor: refused } });
  expect((await explainedOnce(one, 'impossible')).nodes).toMatchObject([
    { rule: 'leader.firstStandby', because: 'a standby has joined', waits_for: { for: 'standby' } },
    { rule: 'standby.copy', text: `wait_standby, told to be catchingup, waits for its keeper: ${refused}` },
  ]);

  await two.report({ state: 'catchingup', running: true, facts: { epoch: 1 } });
  await two.awaitGoal('secondary');
  await two.report({ state: 'secondary' });
  const { assignment } = await one.awaitGoal('primary');
  const confirmedSetting = assignment.setting?.version ?? 0;
  await one.report({ state: 'primary', facts: { epoch: 1, confirmedSetting, lease: 4000 } });
  const whole = await explainedOnce(two, 'possible', one);
  expect(whole.failover).toMatchObject({ node_id: two.id, text: expect.stringContaining('would take over') });
  expect(whole.nodes).toMatchObject([
    { rule: 'leader.synchronous', waits_for: null, moved_at: expect.stringMatching(/^20.*Z$/) },
    { rule: 'standby.ready', waits_for: null },
  ]);

  await client.query(`SELECT pgautofailover.pause_nodes('default', NULL, 'two')`);
  const paused = await explainedOnce(two, 'impossible', one);
  expect(paused.failover.ways).toMatchObject([[{ do: 'resume', command: 'pgaf resume --name two' }]]);
  await client.query(`SELECT pgautofailover.resume_nodes('default', NULL, 'two')`);

  // Its keeper is silent from here on, and its Postgres answers.
  const lost = await explainedOnce(two, 'underWay');
  expect(lost.failover.text).toContain('still answers the monitor');
  expect(lost.failover.ways).toMatchObject([[{ do: 'start', node: one.id }], [{ do: 'stop', node: one.id }]]);
  expect(lost.nodes[0]).toMatchObject({ waits_for: { for: 'report' } });
  await Promise.all([one, two].map((keeper) => keeper.postgres.close()));
});

/** Asks until the outlook is this one; these keepers report meanwhile. */
async function explainedOnce(
  keeper: FakeKeeper,
  outlook: string,
  ...others: FakeKeeper[]
): Promise<Explained> {
  let seen: Explained | null = null;
  try {
    return await until(
      `the outlook is ${outlook}`,
      async () => {
        for (const each of [keeper, ...others]) await each.report();
        seen = await explain();
        return seen.failover.outlook === outlook && seen;
      },
      30_000,
    );
  } catch (error) {
    throw new Error(`${String(error)}: ${JSON.stringify(seen)}`, { cause: error });
  }
}
