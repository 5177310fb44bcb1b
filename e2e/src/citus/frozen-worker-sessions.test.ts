import type { Milliseconds } from '@pgaf/core/durations';
import type { GroupView } from '@pgaf/plugin-api';
import type { LocalClient } from '@pgaf/postgres/query';
import { until } from '@pgaf/testing/deadline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CitusServer, CoordinatorPart, groupOf, nodeAt } from './citus-coordinator.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
const DEADLINE: Milliseconds = 30_000;
const ROWS = 40;
/** Where the node is that took over; where all servers of the test are not. */
const ELSEWHERE = '127.0.0.2';

/** Its clients write on other nodes through it. */
describe.skipIf(version === null)('sessions of a worker that was frozen and replaced', () => {
  let coordinator: CitusServer;
  let frozen: CitusServer;
  let other: CitusServer;
  let part: CoordinatorPart;
  let sessions: LocalClient[];
  beforeEach(async () => {
    sessions = [];
    [coordinator, frozen, other] = await CitusServer.startWithWorkers();
    const { sql } = coordinator;
    await sql.query('SET citus.shard_count = 4');
    await sql.query('CREATE TABLE rows (id int PRIMARY KEY, note text)');
    await sql.query(`SELECT create_distributed_table('rows', 'id')`);
    await sql.query('INSERT INTO rows SELECT generate_series(1, $1::int)', [ROWS]);
    await sql.query('CREATE TABLE kept_here (id int PRIMARY KEY, note text)');
    await sql.query('INSERT INTO kept_here VALUES (1)');
    await sql.query(`SELECT citus_add_local_table_to_metadata('kept_here')`);
  });
  afterEach(async () => {
    frozen?.thaw();
    await part?.end();
    await Promise.all(sessions.map((session) => session.close()));
    for (const server of [coordinator, frozen, other]) await server?.stop();
  });

  const session = async (server: CitusServer): Promise<LocalClient> => {
    const client = await server.session();
    sessions.push(client);
    return client;
  };
  const outcome = (client: LocalClient, statement: string): Promise<string> =>
    client.query(statement).then(
      () => 'done',
      (error: Error) => error.message,
    );
  const ofCoordinator = () => groupOf(0, 1, nodeAt(1, coordinator.port));
  const ofFrozen = () =>
    groupOf(1, 4, nodeAt(3, frozen.port, { goal: 'demoted' }), nodeAt(4, frozen.port, { host: ELSEWHERE }));
  const ofOther = () => groupOf(2, 5, nodeAt(5, other.port));
  const updateElsewhere = async (): Promise<string> => {
    const [row] = await coordinator.sql.query<{ id: number }>(
      `SELECT id FROM generate_series(1, $1::int) AS id JOIN pg_dist_placement ON shardid =
         get_shard_id_for_distribution_column('rows', id) WHERE groupid = 2 LIMIT 1`,
      [ROWS],
    );
    return `UPDATE rows SET note = 'seen' WHERE id = ${row?.id}`;
  };

  it.each<[string, () => CitusServer, () => readonly GroupView[], () => Promise<string>]>([
    ['another worker', () => other, () => [ofOther(), ofCoordinator(), ofFrozen()], updateElsewhere],
    [
      'the coordinator',
      () => coordinator,
      () => [ofCoordinator(), ofFrozen(), ofOther()],
      () => Promise.resolve(`UPDATE kept_here SET note = 'seen'`),
    ],
  ])('are ended on %s, whose rows others wait for then', async (_, server, groups, statement) => {
    const update = await statement();
    const held = await session(frozen);
    await held.query('BEGIN');
    await held.query(update);
    frozen.freeze();
    const waiting = outcome(await session(coordinator), update);
    await until({ what: 'somebody to wait for the row', deadlineMs: DEADLINE }, async () => {
      const rows = await server().sql.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
      return rows.length > 0;
    });
    part = new CoordinatorPart(server());
    part.groups = groups();
    await part.reconcile();
    expect(await waiting, part.logged.join('\n')).toBe('done');
    expect(part.logged.join('\n')).toContain(`sessions of 127.0.0.1:${frozen.port}, replaced and silent`);
    frozen.thaw();
    expect(await outcome(held, 'COMMIT')).not.toBe('done');
  });
});
