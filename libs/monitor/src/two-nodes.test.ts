import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeKeeper } from './testing/fake-keeper.js';
import { TestMonitor, until, type RunningService } from './testing/test-monitor.js';

let monitor: TestMonitor;
let service: RunningService;
let listener: pg.Client;
let one: FakeKeeper;
let two: FakeKeeper;
const heard: string[] = [];

beforeAll(async () => {
  monitor = await TestMonitor.create();
  service = await monitor.serve();
  listener = await monitor.connect();
  listener.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await listener.query('LISTEN state');
});

afterAll(async () => {
  await monitor?.destroy();
  await Promise.all([one, two].map((keeper) => keeper?.postgres.close()));
});

async function events(): Promise<
  { nodename: string; reportedstate: string; goalstate: string; rule: string | null }[]
> {
  const { rows } = await listener.query('SELECT * FROM pgautofailover.last_events(100)');
  return rows;
}

describe('the story of two nodes', () => {
  test('the first node becomes single, in epoch 1', async () => {
    one = await FakeKeeper.register(monitor);
    await until('the node is seen as good', () => heard.some((text) => text.includes('"health":"good"')));
    expect(one.name).toBe('node_1');
    const { assigned_group_state, assignment } = await one.report();
    expect(assigned_group_state).toBe('single');
    expect(assignment).toMatchObject({
      epoch: 1,
      leader: 1,
      setting: { required: 0, members: [] },
      formation: { id: 'default', kind: 'pgsql', dbname: 'postgres' },
    });
    await one.publishSystemIdentifier();
    await one.report({ state: 'single', facts: { epoch: 1, confirmedSetting: 1 } });
    await until('the state is announced', () =>
      heard.some((text) => text.includes('"reportedState": "single"')),
    );
    expect(heard).toContain(
      `{"type": "state", "formation": "default", "groupId": 0, "nodeId": 1, "name": "node_1", "host": "127.0.0.1", ` +
        `"port": ${one.port}, "reportedState": "single", "goalState": "single", "health":"good"}`,
    );
  });

  test('the second one waits, copies, and becomes secondary; commits then wait for it', async () => {
    two = await FakeKeeper.register(monitor);
    await two.report({ state: 'wait_standby' });
    await one.awaitGoal('wait_primary');
    await one.report({ state: 'wait_primary' });
    await two.awaitGoal('catchingup');
    await two.publishSystemIdentifier();
    await two.report({ state: 'catchingup', facts: { epoch: 1 } });
    await two.awaitGoal('secondary');
    await two.report({ state: 'secondary' });
    const { assignment } = await one.awaitGoal('primary');
    const setting = assignment.setting;
    expect(setting).toMatchObject({ required: 1, members: [2] });
    await one.report({ state: 'primary', facts: { epoch: 1, confirmedSetting: setting?.version ?? 0 } });
    await until('only the confirmed setting is in force', async () => {
      const { rows } = await listener.query('SELECT settings_in_force AS f FROM pgautofailover.group_state');
      return rows[0].f.length === 1;
    });
    const { rows } = await listener.query('SELECT pgautofailover.synchronous_standby_names() AS names');
    expect(rows[0].names).toBe('ANY 1 (pgautofailover_standby_2)');
  });

  test('an operator hands over; the order raises the epoch once', async () => {
    const failover = listener.query('SELECT pgautofailover.perform_failover()');
    await one.awaitGoal('draining');
    await failover;
    // What is logged was committed before, and answered maybe.
    const logged = await until('the order is logged', () =>
      service.log.lines.findLast(({ fields }) => fields['rule'] === 'operator.failover'),
    );
    expect(logged).toMatchObject({ fields: { node: 1, from: 'primary', to: 'draining' } });
    await one.report({
      state: 'draining',
      running: false,
      lsn: '0/3000148',
      facts: { epoch: 1, stopped: { belowEpoch: 2, finalLsn: 0x3000148n } },
    });
    await two.awaitGoal('prepare_promotion');
    // Nobody takes writes, and pg_auto_failover does not survive the question.
    const names = await listener.query('SELECT pgautofailover.synchronous_standby_names() AS names');
    expect(names.rows).toEqual([{ names: 'ANY 1 (pgautofailover_standby_2)' }]);
    await two.report({
      state: 'prepare_promotion',
      lsn: '0/3000148',
      facts: { epoch: 1, promise: { epoch: 2, tli: 1, lsn: 0x3000148n } },
    });
    const { assignment } = await two.awaitGoal('wait_primary');
    expect(assignment).toMatchObject({ epoch: 2, leader: 2 });
    await two.report({
      state: 'wait_primary',
      tli: 2,
      facts: { epoch: 2, promoted: { epoch: 2, tli: 2, switchpoint: 0x3000148n } },
    });
    await one.awaitGoal('demoted');
    await one.report({ state: 'demoted' });
    await one.awaitGoal('catchingup');
    await one.report({ state: 'catchingup', running: true, tli: 2, facts: { epoch: 2 } });
    await one.awaitGoal('secondary');
    await one.report({ state: 'secondary' });
    const opened = await two.awaitGoal('primary');
    await two.report({
      state: 'primary',
      facts: { ...two.facts, confirmedSetting: opened.assignment.setting?.version ?? 0 },
    });

    const state = await listener.query(
      'SELECT epoch::int, leader::int, lineage FROM pgautofailover.group_state',
    );
    expect(state.rows[0]).toEqual({
      epoch: 2,
      leader: 2,
      lineage: [
        { epoch: 1, tli: 1, switchpoint: null },
        { epoch: 2, tli: 2, switchpoint: '0/3000148' },
      ],
    });
    expect((await events()).filter(({ rule }) => rule === 'promotion.order')).toHaveLength(2);
    const primary = await listener.query('SELECT * FROM pgautofailover.get_primary()');
    expect(primary.rows[0]).toMatchObject({ primary_name: 'node_2' });
  });

  test('a node that is proved down is failed over without an operator', async () => {
    await until('both nodes are seen as good', async () => {
      const { rows } = await listener.query('SELECT health FROM pgautofailover.node WHERE health = 1');
      return rows.length === 2;
    });
    await Promise.all([two.postgres.close(), two.client.end()]);
    await one.awaitGoal('prepare_promotion');
    await one.report({
      state: 'prepare_promotion',
      facts: {
        epoch: 2,
        promise: { epoch: 3, tli: 2, lsn: 0x3000148n },
        upstream: { node: 2, streaming: false, closed: true, refused: true },
      },
    });
    const { assignment } = await one.awaitGoal('wait_primary');
    expect(assignment).toMatchObject({ epoch: 3, leader: 1 });
    expect(service.log.at('error')).toEqual([]);
  });

  test('clients read states, events, settings and the URI as in the reference', async () => {
    const state = await listener.query('SELECT * FROM pgautofailover.current_state()');
    expect(Object.keys(state.rows[0])).toEqual([
      'formation_kind',
      'nodename',
      'nodehost',
      'nodeport',
      'group_id',
      'node_id',
      'current_group_state',
      'assigned_group_state',
      'candidate_priority',
      'replication_quorum',
      'reported_tli',
      'reported_lsn',
      'health',
      'nodecluster',
      'noderegion',
      // Of ours, last.
      'paused',
    ]);
    expect((await listener.query(`SELECT * FROM pgautofailover.current_state('default', 1)`)).rows).toEqual(
      [],
    );
    const uri = await listener.query('SELECT pgautofailover.formation_uri() AS uri');
    expect(uri.rows[0].uri).toBe(
      `postgres://127.0.0.1:${one.port},127.0.0.1:${two.port}/postgres?target_session_attrs=read-write&sslmode=prefer`,
    );
    const settings = await listener.query('SELECT * FROM pgautofailover.formation_settings()');
    expect(settings.rows.map(({ context, setting }) => `${context} ${setting}`)).toContain(
      'primary synchronous_standby_names',
    );
    const view = await listener.query('SELECT pgautofailover.formation_view() AS view');
    expect(view.rows[0].view).toMatchObject({
      formation: 'default',
      groups: [{ group: 0, epoch: 3, leader: 1 }],
    });
    const others = await listener.query('SELECT * FROM pgautofailover.get_other_nodes(1)');
    expect(others.rows).toMatchObject([{ node_name: 'node_2' }]);
    const last = await listener.query(`SELECT * FROM pgautofailover.last_events('default', 0, 2)`);
    expect(last.rows).toHaveLength(2);
  });

  test('a dropped standby leaves when it has stopped', async () => {
    await one.report({
      state: 'wait_primary',
      tli: 3,
      facts: { epoch: 3, promoted: { epoch: 3, tli: 3, switchpoint: 0x3000148n } },
    });
    await listener.query('SELECT pgautofailover.remove_node($1::bigint)', [two.id]);
    const back = await monitor.connect();
    const report = (state: string) =>
      back.query(`SELECT * FROM pgautofailover.node_active('default', $1, 0, $2, false)`, [two.id, state]);
    expect((await report('draining')).rows[0].assigned_group_state).toBe('dropped');
    await report('dropped');
    await one.awaitGoal('single');
    const error = await until('the row is gone', () =>
      report('dropped').then(
        () => undefined,
        (reason: Error) => reason,
      ),
    );
    expect(error).toMatchObject({ code: '42704' });
  });
});
