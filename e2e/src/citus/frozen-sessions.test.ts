import type { Milliseconds } from '@pgaf/core/durations';
import type { GroupView } from '@pgaf/plugin-api';
import type { LocalClient } from '@pgaf/postgres/query';
import { until } from '@pgaf/testing/deadline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CitusServer, CoordinatorPart, groupOf, nodeAt } from './citus-coordinator.js';
import { citusVersion } from './real-citus.js';
import { holdUpCommits } from './waiting-commits.js';

const version = await citusVersion();
const DEADLINE: Milliseconds = 30_000;
const ROWS = 40;
/** Where all servers of the test come from; somewhere else. */
const HERE = '127.0.0.1';
const ELSEWHERE = '127.0.0.2';

/** The part of the plugin is that of a worker, whose coordinator was replaced. */
describe.skipIf(version === null)('sessions of a coordinator that was frozen and replaced', () => {
  let coordinator: CitusServer;
  let workers: readonly [CitusServer, CitusServer];
  let worker: CitusServer;
  let part: CoordinatorPart;
  /** Rows on the worker. */
  let rows: number[];
  let sessions: LocalClient[];
  beforeAll(async () => {
    [coordinator, ...workers] = await CitusServer.startWithWorkers();
    [worker] = workers;
    const { sql } = coordinator;
    await sql.query('SET citus.shard_count = 4');
    await sql.query('CREATE TABLE rows (id int PRIMARY KEY, note text)');
    await sql.query(`SELECT create_distributed_table('rows', 'id')`);
    await sql.query('INSERT INTO rows SELECT generate_series(1, $1::int)', [ROWS]);
    const found = await sql.query<{ id: number }>(
      `SELECT id FROM generate_series(1, $1::int) AS id JOIN pg_dist_placement ON shardid =
         get_shard_id_for_distribution_column('rows', id) WHERE groupid = 1 ORDER BY id`,
      [ROWS],
    );
    rows = found.map(({ id }) => id);
  });
  afterAll(async () => {
    for (const server of [coordinator, ...workers]) await server?.stop();
  });
  beforeEach(() => {
    sessions = [];
    part = new CoordinatorPart(worker);
  });
  afterEach(async () => {
    await part.end();
    await Promise.all(sessions.map((session) => session.close()));
  });

  const own = () => groupOf(1, 4, nodeAt(4, worker.port, { host: ELSEWHERE }));
  const silent = () => nodeAt(1, coordinator.port, { goal: 'demoted' });
  const replacedBy = (host: string) => groupOf(0, 2, silent(), nodeAt(2, coordinator.port, { host }));

  /** A client of the coordinator with an open transaction on the worker. */
  const writing = async (i: number): Promise<LocalClient> => {
    const client = await coordinator.session();
    sessions.push(client);
    await client.query('BEGIN');
    await client.query(`UPDATE rows SET note = 'seen' WHERE id = ${rows[i]}`);
    return client;
  };
  const outcome = (client: LocalClient, statement: string): Promise<string> =>
    client.query(statement).then(
      () => 'done',
      (error: Error) => error.message,
    );

  it('are ended, whose rows others wait for then, and none of clients of their own', async () => {
    const held = await writing(0);
    const ofClient = await worker.session();
    sessions.push(ofClient);
    await ofClient.query('SELECT 1');
    part.groups = [own(), replacedBy(ELSEWHERE)];
    await part.reconcile();
    expect(await outcome(held, 'COMMIT')).not.toBe('done');
    expect(await outcome(await writing(0), 'COMMIT')).toBe('done');
    expect(await outcome(ofClient, 'SELECT 1')).toBe('done');
    expect(part.logged.join('\n')).toContain(`sessions of ${HERE}:${coordinator.port}, replaced and silent`);
  });

  it.each<[string, () => GroupView]>([
    ['who was not replaced', () => groupOf(0, 1, nodeAt(1, coordinator.port))],
    [
      'who has said since that it stopped',
      () =>
        groupOf(
          0,
          2,
          nodeAt(1, coordinator.port, { reported: 'demoted' }),
          nodeAt(2, 1, { host: ELSEWHERE }),
        ),
    ],
    ['whoever shares its address with another node of its group', () => replacedBy('localhost')],
    ['another group', () => groupOf(2, 6, { ...silent(), id: 5 }, nodeAt(6, 1, { host: ELSEWHERE }))],
    ['a group that the monitor knows from a backup', () => ({ ...replacedBy(ELSEWHERE), restored: true })],
  ])('are left alone when they are of %s', async (_, group) => {
    const held = await writing(1);
    part.groups = [own(), group()];
    await part.reconcile();
    expect(await outcome(held, 'COMMIT')).toBe('done');
  });

  it('go on to the end of a commit that waits for a standby', async () => {
    const client = await writing(2);
    const { sql } = worker;
    const waiting = () =>
      sql.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE 'COMMIT%'`);
    const letCommitsGo = await holdUpCommits(worker);
    const committed = outcome(client, 'COMMIT');
    await until(
      { what: 'the commit to wait', deadlineMs: DEADLINE },
      async () => (await waiting()).length > 0,
    );
    part.groups = [own(), replacedBy(ELSEWHERE)];
    await part.reconcile();
    expect(await waiting()).toHaveLength(1);
    await letCommitsGo();
    expect(await committed).toBe('done');
  });
});
