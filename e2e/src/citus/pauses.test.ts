import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from '@pgaf/core/json';
import type { NodeView } from '@pgaf/plugin-api';
import { until } from '@pgaf/testing/deadline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CitusServer, CoordinatorPart, groupOf, nodeAt } from './citus-coordinator.js';
import { citusVersion } from './real-citus.js';

const version = await citusVersion();
const DEADLINE_MS = 30_000;
/** No pause is held for longer. */
const PAUSE_MS = 8000;
const SLACK_MS = 2500;
/** When there is little time left. */
const LATE_MS = 6500;

/** Transactions that go on and hold up others. */
const LEFT_BEHIND = `
SELECT gid AS what FROM pg_prepared_xacts
UNION ALL
SELECT query FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'
UNION ALL
SELECT relation::regclass::text FROM pg_locks
 WHERE locktype = 'relation' AND mode IN ('ExclusiveLock', 'AccessExclusiveLock') AND pid <> pg_backend_pid()`;

describe.skipIf(version === null)('a pause of queries to a group', () => {
  let coordinator: CitusServer;
  let workers: readonly CitusServer[];
  let part: CoordinatorPart;
  beforeAll(async () => {
    [coordinator, ...workers] = await CitusServer.startWithWorkers();
    const { sql } = coordinator;
    await sql.query('SET citus.shard_count = 4');
    await sql.query('CREATE TABLE rows (id int PRIMARY KEY)');
    await sql.query(`SELECT create_distributed_table('rows', 'id')`);
  });
  afterAll(async () => {
    for (const server of [coordinator, ...(workers ?? [])]) await server?.stop();
  });
  beforeEach(async () => {
    part = new CoordinatorPart(coordinator);
    part.groups = formation({});
    await part.reconcile();
    part.logged.length = 0;
    await allSynced();
  });
  afterEach(async () => {
    await part.end();
    const prepared = await coordinator.sql.query(
      `SELECT gid FROM pg_prepared_xacts WHERE gid NOT LIKE 'citus%'`,
    );
    for (const { gid } of prepared) await coordinator.sql.query(`ROLLBACK PREPARED '${String(gid)}'`);
  });

  const allSynced = () => {
    const isSynced = 'SELECT bool_and(metadatasynced) AS all FROM pg_dist_node WHERE groupid > 0';
    const all = async () => (await coordinator.sql.query(isSynced))[0]?.['all'] === true;
    return until({ what: 'metadata in sync', deadlineMs: DEADLINE_MS }, all);
  };
  /** The two nodes of a group are one server by two names, so that what moves can be queried. */
  const formation = (
    asking: Readonly<Record<number, Json>>,
    moved: readonly number[] = [],
    stopped: readonly number[] = [],
  ) => [
    groupOf(0, 1, nodeAt(1, coordinator.port)),
    ...[1, 2].map((group) => {
      const port = workers[group - 1]?.port ?? 0;
      const asks: Partial<NodeView> =
        asking[group] === undefined
          ? {}
          : {
              goal: 'draining',
              said: { pauseFor: asking[group] },
              ...(stopped.includes(group) && { reported: 'draining' }),
            };
      const [old, next] = [2 * group + 1, 2 * group + 2];
      const standby = { host: 'localhost', reported: 'secondary', goal: 'secondary' } as const;
      return moved.includes(group)
        ? groupOf(
            group,
            next,
            nodeAt(old, port, { reported: 'demoted', goal: 'demoted' }),
            nodeAt(next, port, { host: 'localhost' }),
          )
        : groupOf(group, old, nodeAt(old, port, asks), nodeAt(next, port, standby));
    }),
  ];
  const held = (token: string) =>
    part.says(`the pause ${token}`, ({ pause }) => JSON.stringify(pause) === JSON.stringify({ token }));
  const hostOf = async (group: number): Promise<unknown> => {
    const rows = await coordinator.sql.query('SELECT nodename FROM pg_dist_node WHERE groupid = $1', [group]);
    return rows[0]?.['nodename'];
  };
  const seen = () => part.logged.join('\n');
  const untilLogged = (what: string) =>
    until({ what: `the log to say "${what}"`, deadlineMs: DEADLINE_MS, seen }, () => seen().includes(what));
  /** Until the plugin has seen the formation as it is now. */
  const looksAgain = async () => {
    let looks = 0;
    part.answer = () => {
      looks++;
      return Promise.resolve(part.view);
    };
    await until({ what: 'two looks', deadlineMs: DEADLINE_MS, seen }, () => looks >= 2);
  };
  const groupMoves = (group: number) =>
    until(
      { what: `group ${group} to move`, deadlineMs: DEADLINE_MS, seen },
      async () => (await hostOf(group)) === 'localhost',
    );
  let tokens = 0;
  const newToken = () => `${process.pid}-${tokens++}`;

  it('is over in its time, also when the move to the new primary has to wait', async () => {
    const token = newToken();
    const session = await coordinator.session();
    const [shard] = await coordinator.sql.query<{ id: string }>(
      'SELECT min(shardid) AS id FROM pg_dist_placement WHERE groupid = 1',
    );
    // Nobody can end it by force.
    await session.query('BEGIN');
    await session.query('SELECT lock_shard_metadata(7, ARRAY[$1::bigint])', [shard?.id]);
    await session.query(`PREPARE TRANSACTION 'in the way'`);
    part.groups = formation({ 1: token });
    let isOver = false;
    const ended = part.reconcile().finally(() => (isOver = true));
    await held(token);
    const heldAt = performance.now();
    await pause(LATE_MS);
    part.groups = formation({}, [1]);
    // It is read here alone, and waits for the locks of the pause.
    await session.query('BEGIN');
    await session.query('LOCK TABLE rows IN ACCESS SHARE MODE');
    expect(performance.now() - heldAt).toBeLessThan(PAUSE_MS + SLACK_MS);
    await session.query('ROLLBACK');
    expect(isOver, 'the move waits still').toBe(false);
    await session.query(`ROLLBACK PREPARED 'in the way'`);
    await ended;
    await session.close();
    expect(seen()).toContain('it was let go');
    expect(JSON.stringify(part.said['pause'])).toContain('refused');
    await part.reconcile();
    expect(await hostOf(1)).toBe('localhost');
  });

  it('waits for nobody at the cost of another group that fails over', async () => {
    const token = newToken();
    const session = await coordinator.session();
    await session.query('BEGIN');
    await session.query('SELECT count(*) FROM rows');
    part.groups = formation({ 1: token });
    let isTrying = true;
    const ended = part.reconcile().finally(() => (isTrying = false));
    part.groups = formation({ 1: token }, [2]);
    await groupMoves(2);
    expect(isTrying, seen()).toBe(true);
    part.groups = formation({}, [2]);
    await ended;
    expect(part.said['pause']).toEqual({ token, refused: 'it was given up' });
    await session.query('COMMIT');
    await session.close();
  });

  it('ends soon when another group fails over while it is held', async () => {
    const token = newToken();
    part.groups = formation({ 1: token });
    const ended = part.reconcile();
    await held(token);
    part.groups = formation({ 1: token }, [2]);
    await groupMoves(2);
    await ended;
    expect(seen()).toContain('it was not ready before group 2 failed over');
  });

  it('ends soon with a monitor that falls silent before the primary has stopped, and is no longer said to be held', async () => {
    const token = newToken();
    part.groups = formation({ 1: token });
    const view = part.view;
    part.answer = () => new Promise(() => undefined);
    const ended = part.reconcile();
    await held(token);
    await untilLogged('it was not ready when the monitor fell silent');
    expect(part.said['pause']).toEqual({
      token,
      refused: 'the pause of its queries is over: it was not ready when the monitor fell silent',
    });
    part.answer = () => Promise.resolve(view);
    void ended.catch(() => undefined);
    await coordinator.sql.query('SELECT count(*) FROM rows');
  });

  it('ends in time with a monitor that falls silent once the primary has stopped', async () => {
    const token = newToken();
    part.groups = formation({ 1: token });
    const ended = part.reconcile();
    await held(token);
    part.groups = formation({ 1: token }, [], [1]);
    await looksAgain();
    const heldAt = performance.now();
    const view = part.view;
    part.answer = () => new Promise(() => undefined);
    await untilLogged('it was not ready in time');
    expect(performance.now() - heldAt).toBeGreaterThan(PAUSE_MS / 2);
    part.answer = () => Promise.resolve(view);
    void ended.catch(() => undefined);
    await coordinator.sql.query('SELECT count(*) FROM rows');
  });

  it('ends with a keeper that is frozen', async () => {
    const token = newToken();
    part.groups = formation({ 1: token });
    const ended = part.reconcile();
    await held(token);
    // Nothing of this process runs meanwhile.
    const query = `SET statement_timeout = '${DEADLINE_MS}ms'; SELECT count(*) FROM rows`;
    const connection = `host=${coordinator.postgres.folder} port=${coordinator.port} user=postgres dbname=postgres`;
    expect(execFileSync('psql', ['-XAtq', '-d', connection, '-c', query], { encoding: 'utf8' }).trim()).toBe(
      '0',
    );
    part.groups = formation({});
    await ended;
  });

  it('begins by force when a transaction lasts for too long, which alone is ended and told', async () => {
    const token = newToken();
    const [inTheWay, busy] = [await coordinator.session(), await coordinator.session()];
    await inTheWay.query('BEGIN');
    await inTheWay.query('SELECT count(*) FROM rows');
    const [own] = await inTheWay.query('SELECT pg_backend_pid() AS pid');
    part.groups = formation({ 1: { token, forced: true } });
    const ended = part.reconcile();
    let isHeld = false;
    const others = (async () => {
      while (!isHeld) await busy.query('SELECT count(*) FROM rows');
    })();
    await held(token);
    isHeld = true;
    const sentence = `By force for the switchover of group 1, process ${String(own?.['pid'])} of postgres, idle in transaction`;
    expect(part.told).toEqual([expect.stringMatching(new RegExp(`^${sentence} since [5-7] s, was ended$`))]);
    part.groups = formation({}, [1]);
    await ended;
    await others;
    await expect(inTheWay.query('COMMIT')).rejects.toThrow();
    for (const session of [inTheWay, busy]) await session.close();
  });

  it('does not end a prepared transaction by force, and says how that ends', async () => {
    const token = newToken();
    const session = await coordinator.session();
    await session.query('BEGIN');
    await session.query(`SELECT lock_relation_if_exists('public.rows', 'ACCESS SHARE')`);
    await session.query(`PREPARE TRANSACTION 'in doubt'`);
    part.groups = formation({ 1: { token, forced: true } });
    await part.reconcile();
    expect(part.said['pause']).toEqual({
      token,
      refused: `queries cannot be held up: the prepared transaction 'in doubt' of postgres, which only COMMIT PREPARED or ROLLBACK PREPARED ends, does not end`,
    });
    await session.query(`COMMIT PREPARED 'in doubt'`);
    await session.close();
  });

  const isLock = (query: string) => query.includes('lock_relation_if_exists');
  let locks = 0;
  it.each([
    {
      at: 'it is had, and not said to be',
      dies: (when: string, query: string) => when === 'after' && isLock(query) && ++locks === 2,
    },
    {
      at: 'it is said to be held',
      dies: (when: string) => when === 'after' && part.said['pause'] !== undefined,
    },
    {
      at: 'the group has moved, and that is to be committed',
      dies: (when: string, query: string) => when === 'before' && query === 'COMMIT',
    },
    {
      at: 'the group has moved, and no other node knows',
      dies: (when: string, query: string) => when === 'after' && query === 'COMMIT',
    },
  ])('leaves nothing when the coordinator’s keeper is killed as $at', async ({ dies }) => {
    const token = newToken();
    locks = 0;
    part.dies = dies;
    part.groups = formation({ 1: token });
    void part.reconcile().catch(() => undefined);
    await until(
      { what: 'the pause, or the death', deadlineMs: DEADLINE_MS, seen },
      () => part.isDead || part.said['pause'] !== undefined,
    );
    part.groups = formation({}, [1]);
    const killed = { what: 'the death', deadlineMs: DEADLINE_MS, seen };
    await until(killed, () => part.isDead);
    // Whatever was held up goes on at once, and not when Postgres ends the pause.
    const begun = performance.now();
    await coordinator.sql.query('SELECT count(*) FROM rows');
    expect(performance.now() - begun).toBeLessThan(PAUSE_MS / 2);

    const next = new CoordinatorPart(coordinator);
    next.groups = formation({}, [1]);
    await until(
      { what: 'the next keeper to be done', deadlineMs: DEADLINE_MS, seen: () => next.logged.join('\n') },
      async () => (await next.reconcile()) === 'done' && (await hostOf(1)) === 'localhost',
    );
    await next.end();
    await allSynced();
    expect(await coordinator.sql.query(LEFT_BEHIND)).toEqual([]);
  });

  it('holds up what makes shards, too', async () => {
    const token = newToken();
    part.groups = formation({ 1: token });
    const ended = part.reconcile();
    await held(token);
    const session = await coordinator.session();
    await session.query('CREATE TABLE more (id int PRIMARY KEY)');
    const made = session.query(`SELECT create_distributed_table('more', 'id')`);
    await until({ what: 'it to wait', deadlineMs: DEADLINE_MS, seen }, async () => {
      const waiting = await coordinator.sql.query(
        `SELECT FROM pg_stat_activity WHERE query LIKE '%create_distributed_table%' AND wait_event_type = 'Lock'`,
      );
      return waiting.length > 0;
    });
    part.groups = formation({});
    expect(await ended).toBe('done');
    await made;
    await session.query('DROP TABLE more');
    await session.close();
  });

  it('is for whoever asks next, when one that was answered is still there', async () => {
    const [one, two] = [newToken(), newToken()];
    part.groups = formation({ 1: one });
    let ended = part.reconcile();
    await held(one);
    part.groups = formation({});
    await ended;
    part.groups = formation({ 1: one, 2: two });
    ended = part.reconcile();
    await held(two);
    part.groups = formation({ 1: one });
    await ended;
  });

  it('is tried for a moment only, however many tables there are', async () => {
    const tables = Array.from({ length: 3 }, (_, i) => `held_${i}`);
    const holders: (() => Promise<void>)[] = [];
    for (const table of tables) {
      await coordinator.sql.query(`CREATE TABLE ${table} (id int)`);
      await coordinator.sql.query(`SELECT create_distributed_table('${table}', 'id')`);
    }
    for (const table of tables) {
      const session = await coordinator.session();
      await session.query('BEGIN');
      await session.query(`LOCK TABLE ${table} IN ACCESS SHARE MODE`);
      holders.push(async () => {
        await session.query('COMMIT');
        await session.close();
      });
    }
    const token = newToken();
    part.groups = formation({ 1: token });
    const ended = part.reconcile();
    const tries = new Set<string>();
    for (const letGo of holders) {
      // Each is let go when somebody has waited for it for most of a try, so that no try waits for two.
      const begun = await until({ what: 'a try', deadlineMs: DEADLINE_MS, everyMs: 5, seen }, async () => {
        const [row] = await coordinator.sql.query<{ begun: string }>(
          `SELECT xact_start::text AS begun FROM pg_stat_activity WHERE query LIKE '%lock_relation_if_exists%' AND wait_event_type = 'Lock'
              AND pid <> pg_backend_pid() AND cardinality(pg_blocking_pids(pid)) > 0
              AND (SELECT waitstart FROM pg_locks l WHERE l.pid = pg_stat_activity.pid AND NOT granted)
                  < clock_timestamp() - interval '200 ms'`,
        );
        return row?.begun;
      });
      tries.add(begun);
      await letGo();
    }
    await held(token);
    part.groups = formation({});
    await ended;
    expect(tries.size).toBe(tables.length);
    for (const table of tables) await coordinator.sql.query(`DROP TABLE ${table}`);
  });
});
