import { setTimeout as pause } from 'node:timers/promises';
import { freezeAtRest } from '@pgaf/core/testing/freeze-at-rest';
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
  beforeEach(async () => {
    part = new CoordinatorPart(coordinator);
    // Nothing is prepared any more.
    for (const server of [coordinator, ...workers]) await server.sql.query('DELETE FROM pg_dist_transaction');
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

  const records = async (): Promise<string[]> => {
    const rows = await coordinator.sql.query<{ gid: string }>(
      'SELECT gid FROM pg_dist_transaction ORDER BY gid',
    );
    return rows.map(({ gid }) => gid);
  };
  /** The row of the group, and nothing else. */
  const moveTo = ({ port }: Pick<CitusServer, 'port'>, group: number): Promise<unknown> =>
    coordinator.sql.query('UPDATE pg_dist_node SET nodeport = $1 WHERE groupid = $2', [port, group]);
  const haveWorkersAt = async (one: CitusServer, two: CitusServer): Promise<void> => {
    await moveTo({ port: 1 }, 1);
    await moveTo(two, 2);
    await moveTo(one, 1);
  };
  const setStandbys = async (names: string): Promise<void> => {
    await coordinator.sql.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await coordinator.sql.query('SELECT pg_reload_conf()');
    await until({ what: `the standbys to be '${names}'`, deadlineMs: DEADLINE_MS }, async () => {
      const [row] = await coordinator.sql.query<{ names: string }>(
        `SELECT current_setting('synchronous_standby_names') AS names`,
      );
      return row?.names === names;
    });
  };
  /** What the primary has prepared, the standby has replayed. */
  const untilPrepared = async (standby: CitusServer, primary: CitusServer): Promise<void> => {
    const [now] = await primary.sql.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
    await until({ what: `the standby to be at ${now?.lsn}`, deadlineMs: DEADLINE_MS }, async () => {
      const [row] = await standby.sql.query<{ there: boolean }>(
        'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there',
        [now?.lsn],
      );
      return row?.there === true;
    });
  };

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

  it('waits for the primary of its group while pg_dist_node names a standby, whose word is not taken', async () => {
    const standby = await CitusServer.startStandbyOf(workers[0]);
    try {
      const gid = newGid(0);
      await prepare(workers[0], gid);
      await noteCommit(coordinator, 1, gid);
      await untilPrepared(standby, workers[0]);
      // As Citus sees it: what is prepared is in no list of a standby.
      expect(await gids(standby)).toEqual([]);

      await moveTo(standby, 1);
      const outcome = await part.whileLeader();
      expect(await records()).toEqual([gid]);
      expect(outcome).toContain(`:${standby.port} in pg_dist_node is a standby`);
      expect(await gids(workers[0])).toEqual([gid]);

      await moveTo(workers[0], 1);
      expect(await part.whileLeader()).toBe('done');
      expect([await isCommitted(workers[0], gid), await gids(workers[0])]).toEqual([true, []]);
      expect(await part.whileLeader()).toBe('done');
      expect(await records()).toEqual([]);
    } finally {
      await moveTo(workers[0], 1);
      await standby.stop();
    }
  });

  it('is committed where a standby has been promoted that pg_dist_node names already', async () => {
    const standby = await CitusServer.startStandbyOf(workers[0]);
    try {
      const gid = newGid(0);
      await prepare(workers[0], gid);
      await noteCommit(coordinator, 1, gid);
      await untilPrepared(standby, workers[0]);
      await moveTo(standby, 1);
      const outcome = await part.whileLeader();
      expect(await records()).toEqual([gid]);
      expect(outcome).toContain('is a standby');
      await standby.sql.query('SELECT pg_promote()');
      expect(await part.whileLeader()).toBe('done');
      expect([await isCommitted(standby, gid), await gids(standby)]).toEqual([true, []]);
    } finally {
      await moveTo(workers[0], 1);
      await standby.stop();
    }
  });

  it('is committed where pg_dist_node names another group’s primary, and other groups do not wait', async () => {
    const [ofOne, ofTwo, ofZero] = [newGid(0), newGid(0), newGid(0)];
    await prepare(workers[0], ofOne);
    await prepare(workers[1], ofTwo);
    await noteCommit(coordinator, 1, ofOne);
    await noteCommit(coordinator, 2, ofTwo);
    // Nothing of it is prepared any more.
    await noteCommit(coordinator, 0, ofZero);
    try {
      await haveWorkersAt(workers[1], workers[0]);
      const outcome = await part.whileLeader();
      expect([await isCommitted(workers[0], ofOne), await isCommitted(workers[1], ofTwo)]).toEqual([
        true,
        true,
      ]);
      expect([await gids(workers[0]), await gids(workers[1])]).toEqual([[], []]);
      expect(await records()).toEqual([ofOne, ofTwo]);
      expect(outcome).toContain('in pg_dist_node is of group');
    } finally {
      await haveWorkersAt(workers[0], workers[1]);
    }
    expect(await part.whileLeader()).toBe('done');
    expect(await records()).toEqual([]);
  });

  it('is left to its transaction, which has not committed yet', async () => {
    const { sql } = coordinator;
    await sql.query('CREATE TABLE kinds (id int PRIMARY KEY)');
    await sql.query(`SELECT create_reference_table('kinds')`);
    // It has prepared what it did on the workers, and waits for a standby that there is none of.
    await setStandbys('nobody');
    const session = await coordinator.session();
    const committed = session.query('INSERT INTO kinds VALUES (1)');
    try {
      await until({ what: 'the commit to wait', deadlineMs: DEADLINE_MS }, async () => {
        const waiting = await sql.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
        return waiting.length === 1;
      });
      const prepared = [await gids(workers[0]), await gids(workers[1])];
      expect(prepared.flat()).toHaveLength(2);
      expect(await part.whileLeader()).toBe('done');
      expect([await gids(workers[0]), await gids(workers[1])]).toEqual(prepared);
    } finally {
      await setStandbys('');
    }
    await committed;
    await session.close();
    for (const worker of workers) {
      expect(await gids(worker)).toEqual([]);
      expect(await worker.sql.query('SELECT id FROM kinds')).toEqual([{ id: 1 }]);
    }
    expect(await part.whileLeader()).toBe('done');
    expect(await records()).toEqual([]);
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
    await expect(part.whileLeader()).rejects.toThrow('lease');
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
    await freezeAtRest(part.backend ?? 0);
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
