import { setTimeout as pause } from 'node:timers/promises';
import { until } from '@pgaf/testing/deadline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CitusServer, CoordinatorPart } from './citus-coordinator.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
const DEADLINE_MS = 30_000;
/** Longer than a run may take by the server’s clock. */
const OUT_OF_TIME_MS = 2500;

describe.skipIf(version === null)('what transactions of Citus have left prepared', () => {
  let coordinator: CitusServer;
  let workers: readonly [CitusServer, CitusServer];
  let part: CoordinatorPart;
  beforeAll(async () => {
    [coordinator, ...workers] = await CitusServer.startWithWorkers();
    for (const worker of workers)
      await until({ what: 'a worker that knows the others', deadlineMs: DEADLINE_MS }, async () => {
        const [row] = await worker.sql.query<{ nodes: number }>(
          'SELECT count(*)::int AS nodes FROM pg_dist_node WHERE isactive',
        );
        return row?.nodes === 3;
      });
  });
  afterAll(async () => {
    for (const server of [coordinator, ...(workers ?? [])]) await server?.stop();
  });
  beforeEach(() => {
    part = new CoordinatorPart(coordinator);
  });
  afterEach(async () => {
    await part.end();
    for (const server of [coordinator, ...workers])
      for (const gid of await gids(server)) await server.sql.query(`ROLLBACK PREPARED '${gid}'`);
  });

  let transactions = 0;
  /** As Citus names them: of a transaction that began in the group, and is not under way. */
  const newGid = (group: number): string => `citus_${group}_4242_${900_000_000 + transactions++}_1`;
  const gids = async (server: CitusServer): Promise<string[]> => {
    const rows = await server.sql.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts ORDER BY gid');
    return rows.map(({ gid }) => gid);
  };
  /** Makes a table of that name when it is committed. */
  const prepare = async (server: CitusServer, gid: string): Promise<void> => {
    const session = await server.session();
    await session.query('BEGIN');
    // A worker knows no tables but its own, and Citus has no part in this.
    await session.query('SET LOCAL citus.enable_ddl_propagation = off');
    await session.query(`CREATE TABLE ${gid} ()`);
    await session.query(`PREPARE TRANSACTION '${gid}'`);
    await session.close();
  };
  const isCommitted = async (server: CitusServer, gid: string): Promise<boolean> => {
    const rows = await server.sql.query('SELECT FROM pg_class WHERE relname = $1', [gid]);
    return rows.length > 0;
  };
  /** It was committed here, so that its parts in the group are to be, too. */
  const noteCommit = (server: CitusServer, group: number, gid: string): Promise<unknown> =>
    server.sql.query('INSERT INTO pg_dist_transaction VALUES ($1, $2)', [group, gid]);

  it('is committed or rolled back by what became of it where it began, and nothing else is touched', async () => {
    const [one, two] = workers;
    const [committed, aborted, ofOther, ofNobody] = [newGid(0), newGid(0), newGid(2), 'somebody’s own'];
    for (const gid of [committed, aborted, ofOther]) await prepare(one, gid);
    const session = await one.session();
    await session.query('BEGIN');
    await session.query('SELECT txid_current()');
    await session.query(`PREPARE TRANSACTION '${ofNobody}'`);
    await session.close();
    await noteCommit(coordinator, 1, committed);
    await noteCommit(two, 1, ofOther);

    expect(await part.whileLeader()).toBe('done');
    expect(await gids(one)).toEqual([ofOther, ofNobody]);
    expect([await isCommitted(one, committed), await isCommitted(one, aborted)]).toEqual([true, false]);

    const worker = new CoordinatorPart(two);
    const abortedThere = newGid(2);
    await prepare(coordinator, abortedThere);
    expect(await worker.whileLeader()).toBe('done');
    await worker.end();
    expect(await gids(one)).toEqual([ofNobody]);
    expect(await isCommitted(one, ofOther)).toBe(true);
    expect(await gids(coordinator)).toEqual([]);
  });

  it('stays for as long as somebody else may take writes', async () => {
    const gid = newGid(0);
    await prepare(workers[0], gid);
    for (const left of [0, 300]) {
      part.leaseLeft = () => left;
      expect(await part.whileLeader()).toContain('lease');
    }
    // It ran out while the session was opened.
    const looks = [4000, 1000];
    part.leaseLeft = () => looks.shift() ?? 0;
    expect(await part.whileLeader()).toContain('lease');
    expect(await gids(workers[0])).toEqual([gid]);
    part.leaseLeft = () => Infinity;
    expect(await part.whileLeader()).toBe('done');
    expect(await gids(workers[0])).toEqual([]);
  });

  it('is seen to on the other nodes when one hangs, and the rest later', async () => {
    const gid = newGid(0);
    for (const worker of workers) await prepare(worker, gid);
    workers[0].freezePostmaster();
    try {
      expect(await part.whileLeader()).toContain(`:${workers[0].port}`);
      expect(await gids(workers[1])).toEqual([]);
    } finally {
      workers[0].thawPostmaster();
    }
    expect(await gids(workers[0])).toEqual([gid]);
    expect(await part.whileLeader()).toBe('done');
    expect(await gids(workers[0])).toEqual([]);
  });

  it('is not touched any more by who was frozen before it asked for it', async () => {
    let looks = 0;
    part.leaseLeft = () => {
      // The lease holds, as far as the keeper knows, and its Postgres does not go on.
      if (++looks === 2) process.kill(part.backend ?? 0, 'SIGSTOP');
      return 4000;
    };
    const ended = part.whileLeader().catch((error: Error) => error.message);
    await until({ what: 'the freeze', deadlineMs: DEADLINE_MS }, () => looks === 2);
    await expectNothingTouchedOnceThawed(ended);
  });

  it('is not touched any more by who was frozen while it asked for it', async () => {
    // It has connected to all, and has asked none yet.
    const session = await coordinator.session();
    await session.query('BEGIN');
    await session.query('LOCK TABLE pg_dist_transaction IN EXCLUSIVE MODE');
    const ended = part.whileLeader().catch((error: Error) => error.message);
    await until({ what: 'the wait for the lock', deadlineMs: DEADLINE_MS }, async () => {
      const sql = `SELECT FROM pg_locks WHERE pid = $1 AND NOT granted`;
      return (await coordinator.sql.query(sql, [part.backend])).length > 0;
    });
    process.kill(part.backend ?? 0, 'SIGSTOP');
    await session.query('COMMIT');
    await session.close();
    await expectNothingTouchedOnceThawed(ended);
  });

  /** What its successor prepares while it is frozen stays prepared. */
  const expectNothingTouchedOnceThawed = async (ended: Promise<string>): Promise<void> => {
    await pause(OUT_OF_TIME_MS);
    const gid = newGid(0);
    await prepare(workers[0], gid);
    process.kill(part.backend ?? 0, 'SIGCONT');
    expect(await ended).not.toBe('done');
    await untilGone(part.backend);
    expect(await gids(workers[0])).toEqual([gid]);
  };

  const untilGone = (pid: number | null): Promise<unknown> =>
    until({ what: `the end of process ${pid}`, deadlineMs: DEADLINE_MS }, async () => {
      const rows = await coordinator.sql.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
      return rows.length === 0;
    });
});
