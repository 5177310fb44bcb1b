import type { Milliseconds } from '@pgaf/core/durations';
import type { LocalClient } from '@pgaf/postgres/query';
import { until } from '@pgaf/testing/deadline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CitusServer, CoordinatorPart, groupOf, nodeAt } from './citus-coordinator.js';
import { citusVersion } from './real-citus.js';
import { holdUpCommits } from './waiting-commits.js';

const version = await citusVersion();
const DEADLINE: Milliseconds = 30_000;
/** Without what waits there the move takes some tens of milliseconds; a test keeps the machine busy. */
const MOVED_WITHIN: Milliseconds = 5000;
/** With the patience for who may end yet, and a recovery after a crash. */
const MOVED_BY_FORCE_WITHIN: Milliseconds = 15_000;
const ROWS = 40;

/** What holds up others: of transactions that go on, and the locks of Citus’ shards. */
const LEFT = `
SELECT gid AS what FROM pg_prepared_xacts
UNION ALL
SELECT format('%s of %s: %s', state, pid, query) FROM pg_stat_activity
 WHERE state <> 'idle' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
UNION ALL
SELECT format('%s %s of %s', locktype, mode, pid) FROM pg_locks WHERE locktype = 'advisory'`;

describe.skipIf(version === null)('statements to a worker that was frozen and replaced', () => {
  let coordinator: CitusServer;
  let workers: readonly [CitusServer, CitusServer];
  let part: CoordinatorPart;
  let sessions: LocalClient[];
  const path = process.env['PATH'];
  beforeEach(async () => {
    sessions = [];
    [coordinator, ...workers] = await CitusServer.startWithWorkers();
    part = new CoordinatorPart(coordinator);
    const { sql } = coordinator;
    await sql.query('SET citus.shard_count = 4');
    await sql.query('CREATE TABLE rows (id int PRIMARY KEY, note text)');
    await sql.query(`SELECT create_distributed_table('rows', 'id')`);
    await sql.query('INSERT INTO rows SELECT generate_series(1, $1::int)', [ROWS]);
    // Two groups will be at one server, where a sync of metadata would wait for itself for ever.
    await sql.query('UPDATE pg_dist_node SET hasmetadata = false');
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    for (const worker of workers) worker.thaw();
    await part.end();
    await Promise.all(sessions.map((session) => session.close()));
    for (const server of [coordinator, ...workers]) await server.stop();
  });

  /** Group 1 is where group 2 is, by another name; where it was answers nothing. */
  const replaced = () => {
    const [one, two] = workers;
    const silent = nodeAt(3, one.port, { goal: 'demoted' });
    return [
      groupOf(0, 1, nodeAt(1, coordinator.port)),
      groupOf(1, 4, silent, nodeAt(4, two.port, { host: 'localhost' })),
      groupOf(2, 5, nodeAt(5, two.port)),
    ];
  };
  /** Some rows of the group. */
  const rowsOf = async (group: number): Promise<number[]> => {
    const rows = await coordinator.sql.query<{ id: number }>(
      `SELECT id FROM generate_series(1, $2::int) AS id JOIN pg_dist_placement ON shardid =
         get_shard_id_for_distribution_column('rows', id) WHERE groupid = $1 ORDER BY id`,
      [group, ROWS],
    );
    return rows.map(({ id }) => id);
  };
  const note = (id: number | undefined) => `UPDATE rows SET note = 'seen' WHERE id = ${id}`;
  /** That has connected to the workers already. */
  const session = async (): Promise<LocalClient> => {
    const client = await coordinator.session();
    sessions.push(client);
    await client.query('SELECT count(*) FROM rows');
    return client;
  };
  /** Its outcome, once it waits for the worker. */
  const waiting = async (client: LocalClient, statement: string): Promise<{ ended: Promise<string> }> => {
    const [own] = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const ended = client.query(statement).then(
      () => 'done',
      (error: Error) => error.message,
    );
    await until({ what: `"${statement}" to wait`, deadlineMs: DEADLINE }, async () => {
      const rows = await coordinator.sql.query(
        `SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query = $2 AND wait_event IS NOT NULL`,
        [own?.pid, statement],
      );
      return rows.length > 0;
    });
    return { ended };
  };
  /** A statement that waits for that. */
  const waitingFor = async (
    event: string,
    client: LocalClient,
    statement: string,
  ): Promise<{ ended: Promise<string> }> => {
    const begun = await waiting(client, statement);
    await until({ what: `"${statement}" to wait for ${event}`, deadlineMs: DEADLINE }, async () => {
      const rows = await coordinator.sql.query(
        'SELECT FROM pg_stat_activity WHERE query = $1 AND wait_event = $2',
        [statement, event],
      );
      return rows.length > 0;
    });
    return begun;
  };
  const left = async (server: CitusServer): Promise<string[]> =>
    (await server.sql.query<{ what: string }>(LEFT)).map(({ what }) => what);
  const nothingIsLeft = async (): Promise<void> => {
    let seen: string[] = [];
    await until(
      { what: 'nothing to be left', deadlineMs: DEADLINE, seen: () => seen.join('\n') },
      async () => {
        await part.whileLeader();
        seen = [...(await left(coordinator)), ...(await left(workers[1]))];
        return seen.length === 0;
      },
    );
  };
  /** Until the group has moved: how long that took. */
  const moves = async (): Promise<Milliseconds> => {
    const begun = performance.now();
    const seen = (): string => part.logged.join('\n');
    await until({ what: 'the move', deadlineMs: DEADLINE, seen }, async () => {
      await part.reconcile().catch((error: Error) => part.logged.push(error.message));
      const rows = await coordinator.sql
        .query(`SELECT FROM pg_dist_node WHERE groupid = 1 AND nodename = 'localhost'`)
        .catch(() => []);
      return rows.length > 0;
    });
    return Math.round(performance.now() - begun);
  };

  it('fail, in whatever they are, and the group moves', async () => {
    const [one, two] = [await rowsOf(1), await rowsOf(2)];
    const [writer, reader, cancelled] = await Promise.all([session(), session(), session()]);
    const [preparing, committing, idle] = await Promise.all([session(), session(), session()]);
    for (const [i, client] of [preparing, committing].entries()) {
      await client.query('BEGIN');
      await client.query(note(one[i]));
      await client.query(note(two[i]));
    }
    await idle.query('BEGIN');
    await idle.query(note(one[2]));
    // It has prepared what it did, and waits before it commits.
    const letCommitsGo = await holdUpCommits(coordinator);
    const committed = await waitingFor('SyncRep', committing, 'COMMIT');
    workers[0].freeze();
    const ended = [
      await waiting(writer, note(one[3])),
      await waiting(reader, 'SELECT count(note) FROM rows'),
      await waiting(preparing, 'COMMIT'),
    ];
    await cancelled.query(`SET statement_timeout = '300ms'`);
    await expect(cancelled.query(note(one[4]))).rejects.toThrow('statement timeout');
    await letCommitsGo();
    await until({ what: 'the commit of what was prepared', deadlineMs: DEADLINE }, async () => {
      const rows = await coordinator.sql.query(
        `SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'SyncRep'`,
      );
      return rows.length === 0;
    });

    part.groups = replaced();
    const took = await moves();
    console.log(`the move took ${took} ms`);
    expect(took, part.logged.join('\n')).toBeLessThan(MOVED_WITHIN);
    for (const one of ended) expect(await one.ended).not.toBe('done');
    expect(await committed.ended).toBe('done');
    await idle.query('COMMIT').catch(() => undefined);
    // Who only read has its session still, and who was cancelled an answer.
    expect(await reader.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await cancelled.query('SELECT 1').catch(() => undefined);
    await nothingIsLeft();
    expect(part.told.join('\n')).not.toContain('was killed');
  });

  it('are not ended while they are committed, but waited for', async () => {
    const [one, two] = [await rowsOf(1), await rowsOf(2)];
    const committing = await session();
    await committing.query('BEGIN');
    await committing.query(note(one[0]));
    await committing.query(note(two[0]));
    const letCommitsGo = await holdUpCommits(coordinator);
    const committed = await waitingFor('SyncRep', committing, 'COMMIT');
    workers[0].freeze();
    part.groups = replaced();
    const moved = moves();
    const isPatient = until({ what: 'the move to wait', deadlineMs: DEADLINE }, () =>
      part.logged.some((line) => line.includes('which wait for a standby')),
    );
    await Promise.race([committed.ended, isPatient]);
    await letCommitsGo();
    await moved;
    expect(await committed.ended, part.logged.join('\n')).toBe('done');
    await isPatient;
    await nothingIsLeft();
  });

  it('are killed where connections cannot be ended', async () => {
    const [row] = await rowsOf(1);
    const writer = await session();
    workers[0].freeze();
    const { ended } = await waiting(writer, note(row));
    // No program is found.
    process.env['PATH'] = '/nonexistent';
    part.groups = replaced();
    const took = await moves();
    console.log(`the move took ${took} ms by force`);
    expect(took, part.logged.join('\n')).toBeLessThan(MOVED_BY_FORCE_WITHIN);
    expect(await ended).not.toBe('done');
    await nothingIsLeft();
    expect(part.told.join('\n')).toMatch(/^Process \d+, which waits .*, was killed/);
  });
});
