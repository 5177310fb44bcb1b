import type { Milliseconds } from '@pgaf/core/durations';
import type { LocalClient } from '@pgaf/postgres/query';
import { until } from '@pgaf/testing/deadline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CitusServer, CoordinatorPart, groupOf, nodeAt } from './citus-coordinator.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
const DEADLINE: Milliseconds = 30_000;
const ON_THREE_NODES = 'UPDATE kinds SET used = used + 1';
const RECORD = `INSERT INTO pg_dist_transaction VALUES (1, 'citus_0_4242_1_1')`;
const HOLDER = 'LOCK TABLE pg_dist_transaction IN SHARE ROW EXCLUSIVE MODE';

describe.skipIf(version === null)('commits on several nodes, before a coordinator stops', () => {
  let coordinator: CitusServer;
  let workers: readonly [CitusServer, CitusServer];
  let part: CoordinatorPart;
  let sessions: LocalClient[];
  beforeEach(async () => {
    sessions = [];
    [coordinator, ...workers] = await CitusServer.startWithWorkers();
    part = new CoordinatorPart(coordinator);
    part.groups = [groupOf(0, 1, nodeAt(1, coordinator.port, { role: 'coordinator' }))];
    await coordinator.sql.query('CREATE TABLE kinds (used int)');
    await coordinator.sql.query(`SELECT create_reference_table('kinds')`);
  });
  afterEach(async () => {
    await part.end();
    await Promise.all(sessions.map((session) => session.close()));
    for (const server of [coordinator, ...workers]) await server.stop();
  });

  const session = async (): Promise<LocalClient> => {
    const client = await coordinator.session();
    sessions.push(client);
    return client;
  };
  const untilWaitsForLock = (statement: string) =>
    until({ what: `"${statement}" to wait`, deadlineMs: DEADLINE }, async () => {
      const rows = await coordinator.sql.query(
        `SELECT FROM pg_stat_activity WHERE query = $1 AND wait_event_type = 'Lock'`,
        [statement],
      );
      return rows.length > 0;
    });
  const prepared = async (): Promise<string[]> => {
    const rows = workers.map(({ sql }) => sql.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts'));
    return (await Promise.all(rows)).flat().map(({ gid }) => gid);
  };

  it('that are under way are waited for', async () => {
    const committing = await session();
    await committing.query('BEGIN');
    await committing.query(RECORD);
    const held = part.step('holdCommits');
    await untilWaitsForLock(HOLDER);
    await committing.query('COMMIT');
    expect(await held).toBe('done');
  });

  it('that wait are ended before the stop, which may end the holder of the lock first', async () => {
    const client = await session();
    await client.query(`SET application_name = 'somebody'`);
    await client.query('BEGIN');
    await client.query(ON_THREE_NODES);
    let ended: Promise<unknown> = Promise.resolve('not begun');
    part.beforeQuery = async (query) => {
      if (!query.includes('pg_terminate_backend')) return;
      ended = client.query('COMMIT').catch((error: Error) => error.message);
      await untilWaitsForLock('COMMIT');
    };
    expect(await part.step('holdCommits')).toBe('done');
    expect(await ended).toMatch('terminating connection due to administrator command');
    expect(await prepared()).toEqual([]);
    expect(part.logged).toEqual([]);
  });

  it('are held until the stop, and no longer when the step is run again', async () => {
    expect(await part.step('holdCommits')).toBe('done');
    expect(await part.step('holdCommits')).toBe('done');
    expect(part.logged).toEqual([]);
    const late = await session();
    const ended = late.query(ON_THREE_NODES);
    await untilWaitsForLock(ON_THREE_NODES);
    expect(await prepared()).toEqual([]);
    // The goal is another one.
    await part.end();
    await ended;
  });

  it('are left alone once another node has promised to take over, or the goal is another one', async () => {
    part.isSucceeded = true;
    expect(await part.step('holdCommits')).toBe('done');
    part.isSucceeded = false;
    await part.end();
    expect(await part.step('holdCommits')).toBe('done');
    expect(part.logged).toEqual([expect.stringContaining('aborted')]);
    const other = await session();
    await other.query(`SET lock_timeout = '1s'`);
    await other.query(ON_THREE_NODES);
  });

  it('hold up no stop that one of them would hold up for long', async () => {
    const silent = await session();
    await silent.query('BEGIN');
    await silent.query(RECORD);
    expect(await part.step('holdCommits')).toBe('done');
    expect(part.logged).toEqual([expect.stringContaining('lock timeout')]);
    const other = await session();
    await other.query(`SET lock_timeout = '5s'`);
    await other.query(ON_THREE_NODES);
  });

  it('go on when there is no stop after all', async () => {
    expect(await part.step('holdCommits')).toBe('done');
    const late = await session();
    await late.query(ON_THREE_NODES);
  });
});
