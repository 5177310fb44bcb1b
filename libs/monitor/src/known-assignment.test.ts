import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toJsonText } from './json-shapes.js';
import type { FakeKeeper } from './testing/fake-keeper.js';
import { formGroup } from './testing/formed-group.js';
import { TestMonitor, until } from './testing/test-monitor.js';

let monitor: TestMonitor;
let root: pg.Client;
let primary: FakeKeeper;
let standby: FakeKeeper;

beforeAll(async () => {
  monitor = await TestMonitor.create();
  root = await monitor.connectAsSuperuser();
  const service = await monitor.serve();
  [primary, standby] = (await formGroup(monitor, 'default', ['one', 'two'])) as [FakeKeeper, FakeKeeper];
  // From here on nobody decides: what changes is what a test changes.
  await service.stop();
  await standby.report({ facts: { ...standby.facts, warnings: [] } });
}, 60_000);
afterAll(async () => {
  await monitor?.destroy();
  await primary?.postgres.close();
  await standby?.postgres.close();
});

interface Answer {
  readonly goal: string;
  readonly assignment: { readonly epoch: number; readonly leader: number | null } | null;
  readonly version: string;
}

async function report(
  keeper: FakeKeeper,
  known: string | null,
  { client = keeper.client, lsn = keeper.lsn, facts = {} } = {},
): Promise<Answer> {
  const { rows } = await client.query<Answer>(
    `SELECT assigned_group_state AS goal, assignment, version
       FROM pgautofailover.node_active($1, $2, 0, $3, $4, $5, $6, '', $7, $8)`,
    [
      keeper.formation,
      keeper.id,
      keeper.state,
      keeper.running,
      keeper.tli,
      lsn,
      toJsonText({ ...keeper.facts, ...facts }),
      known,
    ],
  );
  const [row] = rows;
  if (!row) throw new Error('node_active returned no row');
  return row;
}

test('a keeper that has the assignment is not sent it again, and its report is written all the same', async () => {
  const { version, assignment } = await report(standby, null);
  expect(assignment).not.toBeNull();
  const column = `SELECT reportserial::int AS serial, reporttime AS at, reportedlsn AS lsn, facts -> 'quietFor' AS quiet
                    FROM pgautofailover.node WHERE nodeid = $1`;
  const before = await root.query(column, [standby.id]);
  const answer = await report(standby, version, { lsn: '0/5000000', facts: { quietFor: 7 } });
  expect(answer).toEqual({ goal: 'secondary', assignment: null, version });
  const after = await root.query(column, [standby.id]);
  expect(after.rows[0]).toMatchObject({ serial: before.rows[0].serial + 1, lsn: '0/5000000', quiet: 7 });
  expect(after.rows[0].at > before.rows[0].at).toBe(true);
});

test.each([
  ['its own goal', `UPDATE pgautofailover.node SET goalstate = 'maintenance' WHERE nodeid = $1`],
  ['another node’s goal', `UPDATE pgautofailover.node SET goalstate = 'wait_primary' WHERE nodeid <> $1`],
  ['where another node is', `UPDATE pgautofailover.node SET nodehost = 'elsewhere' WHERE nodeid <> $1`],
  ['a name', `UPDATE pgautofailover.node SET nodename = 'other' WHERE nodeid <> $1`],
  ['a port', `UPDATE pgautofailover.node SET nodeport = 1 WHERE nodeid <> $1`],
  ['a role', `UPDATE pgautofailover.node SET role = 'other' WHERE nodeid <> $1`],
  ['a cluster', `UPDATE pgautofailover.node SET nodecluster = 'other' WHERE nodeid <> $1`],
  ['a priority', `UPDATE pgautofailover.node SET candidatepriority = 1 WHERE nodeid <> $1`],
  ['the quorum', `UPDATE pgautofailover.node SET replicationquorum = false WHERE nodeid <> $1`],
  ['a pause', `UPDATE pgautofailover.node SET paused = true WHERE nodeid = $1`],
  ['a node that is gone', `DELETE FROM pgautofailover.node WHERE nodeid <> $1`],
  [
    'a node that is new',
    `INSERT INTO pgautofailover.node (groupid, nodename, nodehost, nodeport, reportedstate)
     SELECT groupid, 'new', 'new', 1, 'init' FROM pgautofailover.node WHERE nodeid = $1`,
  ],
  ['epoch = 7'],
  ['leader = NULL'],
  [`settings_in_force = '[]'`],
  [`lineage = '[]'`],
  ['switchover_target = 7'],
  ['switchover_forced = true'],
  ['wal_source = 7'],
  ['believed_in_term = -1'],
  [`memory = '{"a": 1}'`],
  [`kind = 'other'`],
  [`dbname = 'other'`],
] as [what: string, statement?: string][])(
  'what has changed is told: %s',
  async (what, statement = changeOfRow(what)) => {
    await root.query('BEGIN');
    try {
      const { version } = await report(standby, null, { client: root });
      expect((await report(standby, version, { client: root })).assignment, 'before').toBeNull();
      await root.query(statement.replaceAll('$1', String(standby.id)));
      const answer = await report(standby, version, { client: root });
      expect(answer.assignment).not.toBeNull();
      expect(answer.version).not.toBe(version);
      expect((await report(standby, answer.version, { client: root })).assignment, 'after').toBeNull();
    } finally {
      await root.query('ROLLBACK');
    }
  },
);

/** Of a column of the group's or the formation's own row. */
function changeOfRow(change: string): string {
  const table = /^(kind|dbname)/.test(change) ? 'formation' : 'group_state';
  return `UPDATE pgautofailover.${table} SET ${change}`;
}

test.each([
  ['its Postgres has stopped', { running: false }],
  ['its timeline is another one', { tli: 2 }],
  ['it has confirmed a setting', { facts: { epoch: 1, confirmedSetting: 9, warnings: [] } }],
  ['it has a warning', { facts: { epoch: 1, warnings: ['something'] } }],
])('a keeper with news is told everything: %s', async (_, change) => {
  const { running, tli, facts } = standby;
  const { version } = await report(standby, null);
  Object.assign(standby, change);
  expect((await report(standby, version)).assignment).not.toBeNull();
  Object.assign(standby, { running, tli, facts });
  await report(standby, null);
});

test('a version is known to one session only: another one may be of another monitor', async () => {
  const { version } = await report(standby, null);
  expect((await report(standby, version)).assignment, 'its own').toBeNull();
  standby = await standby.reconnected(monitor);
  expect((await report(standby, version)).assignment, 'of the session before').not.toBeNull();
});

test('a report that waited for a decision is answered with what was decided', async () => {
  const { version, assignment } = await report(primary, null);
  expect((await report(primary, version)).assignment, 'while nobody decides').toBeNull();
  await root.query('BEGIN');
  // As write_decision does for a promotion: the row of who may not have been heard is locked, and not changed itself.
  await root.query('SELECT FROM pgautofailover.node WHERE nodeid = $1 FOR UPDATE', [primary.id]);
  const answer = report(primary, version);
  const watcher = await monitor.connectAsSuperuser();
  await until('the report to wait', async () => {
    const { rows } = await watcher.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'autoctl_node'`,
    );
    return rows.length > 0;
  });
  await root.query('UPDATE pgautofailover.group_state SET epoch = epoch + 1, leader = $1', [standby.id]);
  await root.query('COMMIT');
  expect((await answer).assignment).toMatchObject({
    epoch: (assignment?.epoch ?? 0) + 1,
    leader: standby.id,
  });
});
