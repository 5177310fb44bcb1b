import type { LocalSql } from '@pgaf/plugin-api';

/** The locks `theirs` that a process `$1` waits for, of tables. */
const AWAITED = `
  FROM pg_locks own JOIN pg_locks theirs USING (locktype, database, relation)
 WHERE own.pid = $1 AND NOT own.granted AND theirs.granted AND theirs.pid IS DISTINCT FROM own.pid`;

/** The syncs of Citus heed no `pg_terminate_backend` until they are through. */
const SENTENCE = `format('process %s of %s, %s since %s s', a.pid, coalesce(a.usename, 'nobody'),
  coalesce(a.state, 'busy'), round(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start)))) ||
  CASE WHEN a.backend_type <> 'client backend'
       THEN format(' (%s; SELECT pg_cancel_backend(%s) ends what it does),', a.backend_type, a.pid) ELSE '' END`;

/** A prepared transaction has no process; its number is a lock of its own. */
const BLOCKERS = `
WITH awaited AS MATERIALIZED (SELECT theirs.pid, theirs.virtualtransaction ${AWAITED})
SELECT blocker
  FROM (SELECT ${SENTENCE} AS blocker, coalesce(a.xact_start, a.backend_start) AS since
          FROM unnest(pg_blocking_pids($1)) AS p (pid) JOIN pg_stat_activity a USING (pid)
        UNION ALL
        SELECT format('the prepared transaction %L of %s, which only COMMIT PREPARED or ROLLBACK PREPARED ends,', x.gid, x.owner),
               x.prepared
          FROM awaited JOIN pg_locks n USING (virtualtransaction) JOIN pg_prepared_xacts x ON x.transaction = n.transactionid
         WHERE awaited.pid IS NULL AND n.pid IS NULL AND n.locktype = 'transactionid') AS blockers
 ORDER BY since LIMIT 1`;

/** Who waits in front of us holds nothing, and is not ended. */
const END = `
WITH old AS MATERIALIZED (
  SELECT a.pid, ${SENTENCE} AS blocker
    FROM pg_stat_activity a
   WHERE a.pid IN (SELECT theirs.pid ${AWAITED}) AND a.pid = ANY (pg_blocking_pids($1))
     AND a.backend_type = 'client backend' AND a.xact_start < clock_timestamp() - $2 * interval '1 ms')
SELECT blocker FROM old WHERE pg_terminate_backend(pid)`;

/** Who keeps the process waiting for the lock of a table, the one that has lasted longest; null when nobody does. */
export async function blockerOf(pid: number, sql: LocalSql): Promise<string | null> {
  const [row] = await sql.query<{ blocker: string }>(BLOCKERS, [pid]);
  return row?.blocker ?? null;
}

/**
 * Ends the clients that keep the process waiting by a transaction that has lasted longer than that. A prepared one stays:
 * who prepared it may have promised its commit.
 * @returns what was ended, as `blockerOf` has it.
 */
export async function endBlockers(pid: number, sql: LocalSql, olderThanMs: number): Promise<string[]> {
  const rows = await sql.query<{ blocker: string }>(END, [pid, olderThanMs]);
  return rows.map(({ blocker }) => blocker);
}
